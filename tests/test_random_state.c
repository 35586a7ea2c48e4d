/* Generators saved and restored, and bytes that are none. */
#include "core/random.h"
#include "test.h"

TEST(a_restored_generator_goes_on_where_it_was)
{
    for (int kind = TR_MT19937; kind <= TR_PHILOX; kind++) {
        tr_generator *g = tr_generator_new((tr_generator_kind)kind, 11), *h = tr_generator_new((tr_generator_kind)kind, 12);
        uint8_t state[TR_GENERATOR_STATE_BYTES];
        for (int i = 0; i < 1000; i++) tr_random_u32(g);
        core_draw_normal(g); /* one waits */
        tr_generator_save(g, state);
        assert_int_equal(tr_generator_restore(h, state), 0);
        assert_int_equal(tr_initial_seed(h), 11);
        assert_true(core_draw_normal(g) == core_draw_normal(h));
        for (int i = 0; i < 1000; i++) assert_int_equal(tr_random_u32(g), tr_random_u32(h));
    }
}

TEST(no_other_bytes_are_taken_for_a_state)
{
    tr_generator *g = tr_generator_new(TR_MT19937, 1), *philox = tr_generator_new(TR_PHILOX, 1);
    uint8_t state[TR_GENERATOR_STATE_BYTES], now[TR_GENERATOR_STATE_BYTES], bytes[TR_GENERATOR_STATE_BYTES] = {0};
    tr_generator_save(g, state);
    assert_int_equal(tr_generator_restore(g, bytes), -1);
    assert_error_says("not a generator's state");
    assert_int_equal(tr_generator_restore(philox, state), -1);
    assert_error_says("MT19937");
    assert_int_equal(tr_generator_restore(NULL, state), -1);
    assert_error_says("NULL");
    for (int i = 0; i < TR_GENERATOR_STATE_BYTES; i++)
        for (int bit = 0; bit < 8; bit += 7) {
            memcpy(bytes, state, sizeof bytes);
            bytes[i] ^= (uint8_t)(1 << bit);
            if (tr_generator_restore(g, bytes) == 0) fail_msg("bit %d of byte %d may be anything", bit, i);
            assert_error_says("tr_generator_restore");
        }
    tr_generator_save(g, now);
    assert_memory_equal(now, state, sizeof now);
}

/* Whoever makes the checksum fit still gets no impossible generator. */
static void fit_checksum(uint8_t *state)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (int i = 0; i < TR_GENERATOR_STATE_BYTES - 8; i++) sum = (sum ^ state[i]) * 0x100000001b3u;
    for (int i = 0; i < 8; i++) state[TR_GENERATOR_STATE_BYTES - 8 + i] = (uint8_t)(sum >> 8 * i);
}

TEST(a_forged_state_is_refused_by_what_it_says)
{
    tr_generator *g = tr_generator_new(TR_MT19937, 1);
    uint8_t state[TR_GENERATOR_STATE_BYTES], bytes[TR_GENERATOR_STATE_BYTES];
    tr_generator_save(g, state);

    memcpy(bytes, state, sizeof bytes);
    bytes[12] = 0x71; /* position 0x271 = 625 */
    bytes[13] = 0x02;
    fit_checksum(bytes);
    assert_int_equal(tr_generator_restore(g, bytes), -1);
    assert_error_says("position 625");

    memcpy(bytes, state, sizeof bytes);
    memset(bytes + 48, 0, 4 * 624);
    fit_checksum(bytes);
    assert_int_equal(tr_generator_restore(g, bytes), -1);
    assert_error_says("position");

    memcpy(bytes, state, sizeof bytes);
    memset(bytes + 40, 0xff, 8); /* NaN waits */
    fit_checksum(bytes);
    assert_int_equal(tr_generator_restore(g, bytes), -1);
    assert_error_says("normal");

    memcpy(bytes, state, sizeof bytes);
    bytes[32] = 2;
    fit_checksum(bytes);
    assert_int_equal(tr_generator_restore(g, bytes), -1);
    assert_error_says("normal");

    fit_checksum(state);
    assert_int_equal(tr_generator_restore(g, state), 0);
}
