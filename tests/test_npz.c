#include "io_files.h"
#include <zlib.h>
#include "io/npz.h"

TEST(stored_and_deflated_arrays_are_read_by_name)
{
    const char *const files[] = {GOLDEN("stored.npz"), GOLDEN("deflated.npz"), GOLDEN("zip64.npz")};
    for (int i = 0; i < 3; i++) {
        tr_tensor *weight = tr_load_npz(files[i], "weight"), *label = tr_load_npz(files[i], "label");
        assert_shape(weight, 2, 3);
        assert_golden(weight, TR_FLOAT32);
        assert_shape(label, 4);
        assert_golden(label, TR_INT64);
    }
}

TEST(data_that_pack_very_well_are_still_read)
{
    tr_tensor *zeros = tr_load_npz(GOLDEN("deflated.npz"), "zeros");
    assert_shape(zeros, 20000);
    assert_item(tr_tensor_of(tr_get(zeros, 19999)), 0, 0);
}

TEST(names_are_listed_in_order)
{
    assert_string_equal(tr_npz_name(GOLDEN("stored.npz"), 0), "weight");
    assert_string_equal(tr_npz_name(GOLDEN("stored.npz"), 1), "label");
    assert_null(tr_npz_name(GOLDEN("stored.npz"), 2));
    assert_null(tr_npz_name(GOLDEN("stored.npz"), -1));
    assert_false(tr_error_stands());
    assert_string_equal(tr_npz_name(GOLDEN("others.npz"), 0), "weight");
    assert_null(tr_npz_name(GOLDEN("others.npz"), 1));
    assert_null(tr_npz_name("missing.npz", 0));
    assert_error_says("tr_npz_name: missing.npz: No such file");
}

TEST(a_missing_array_is_named_with_those_there_are)
{
    assert_null(tr_load_npz(GOLDEN("stored.npz"), "bias"));
    assert_error_says("stored.npz: no array 'bias'; there are: weight, label");
    assert_null(tr_load_npz(GOLDEN("stored.npz"), NULL));
    assert_error_says("tr_load_npz: an argument is NULL");
    assert_null(tr_load_npz(GOLDEN("float32.npy"), "x"));
    assert_error_says("this is no .npz");
}

/* ---- hostile archives ---- */

static tr_tensor *load(const void *bytes, size_t count, const char *name)
{
    io_source source = io_source_memory("load", bytes, (int64_t)count);
    return io_npz_read(&source, name);
}

static void put(unsigned char *at, unsigned long value, int width)
{
    for (int i = 0; i < width; i++) at[i] = (unsigned char)(value >> 8 * i);
}

/* An archive with one member "x.npy" of these packed bytes, whatever they are.  Returns its length. */
static size_t make_zip(unsigned char *to, const void *packed, size_t packed_bytes, size_t unpacked_bytes, int method, unsigned long crc)
{
    static const char name[5] = {'x', '.', 'n', 'p', 'y'};
    unsigned char local[30] = "PK\3\4", entry[46] = "PK\1\2", end[22] = "PK\5\6";
    size_t at = 0, directory = 30 + 5 + packed_bytes;
    put(local + 26, 5, 2);
    put(entry + 10, (unsigned long)method, 2);
    put(entry + 16, crc, 4);
    put(entry + 20, packed_bytes, 4);
    put(entry + 24, unpacked_bytes, 4);
    put(entry + 28, 5, 2);
    put(end + 10, 1, 2);
    put(end + 12, 46 + 5, 4);
    put(end + 16, directory, 4);
    memcpy(to + at, local, 30), at += 30;
    memcpy(to + at, name, 5), at += 5;
    memcpy(to + at, packed, packed_bytes), at += packed_bytes;
    memcpy(to + at, entry, 46), at += 46;
    memcpy(to + at, name, 5), at += 5;
    memcpy(to + at, end, 22);
    return at + 22;
}

static size_t deflate_raw(const void *from, size_t bytes, unsigned char *to, size_t room)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)from;
    z.avail_in = (unsigned)bytes;
    z.next_out = to;
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* A header that promises this shape of uint8, and `bytes` zeros; returns all their length. */
static size_t make_npy(unsigned char *to, const char *shape, size_t bytes)
{
    int length = sprintf((char *)to + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }\n", shape);
    memcpy(to, "\x93NUMPY\1", 8);
    put(to + 8, (unsigned long)length, 2);
    memset(to + 10 + length, 0, bytes);
    return 10 + (size_t)length + bytes;
}

TEST(a_zip_bomb_is_refused_before_memory_is_taken)
{
    static unsigned char npy[1 << 20], packed[1 << 16], zip[1 << 16];
    size_t bytes = make_npy(npy, "(1000000000000,)", 1000000), packed_bytes = deflate_raw(npy, bytes, packed, sizeof packed);
    assert_true(packed_bytes < 2000);
    tr_memory_stats before = tr_memory(tr_cpu());
    assert_null(load(zip, make_zip(zip, packed, packed_bytes, 0xfffffff0u, 8, 0), "x"));
    assert_error_says("x: header says (1000000000000,) uint8, 1000000000000 bytes, but the file has 1000000");
    assert_true(tr_memory(tr_cpu()).peak_bytes < before.allocated_bytes + (1 << 20));

    bytes = make_npy(npy, "(1000000,)", 1000000), packed_bytes = deflate_raw(npy, bytes, packed, sizeof packed);
    unsigned long crc = crc32(0, npy, (unsigned)bytes);
    assert_shape(load(zip, make_zip(zip, packed, packed_bytes, bytes, 8, crc), "x"), 1000000);
    assert_null(load(zip, make_zip(zip, packed, packed_bytes - 1, bytes, 8, crc), "x"));
    assert_error_says("the compressed data break off");
    assert_null(load(zip, make_zip(zip, packed, packed_bytes + 1, bytes, 8, crc), "x"));
    assert_error_says("more bytes than the compressed data have");
}

TEST(a_wrong_checksum_or_length_is_refused)
{
    unsigned char npy[256], zip[1024];
    size_t bytes = make_npy(npy, "(9,)", 9);
    unsigned long crc = crc32(0, npy, (unsigned)bytes);
    assert_shape(load(zip, make_zip(zip, npy, bytes, bytes, 0, crc), "x"), 9);
    assert_null(load(zip, make_zip(zip, npy, bytes, bytes, 0, crc ^ 1), "x"));
    assert_error_says("load: (memory): x: the checksum is wrong");
    assert_null(load(zip, make_zip(zip, npy, bytes, bytes + 1, 0, crc), "x"));
    assert_error_says("the zip directory says");
    assert_null(load(zip, make_zip(zip, npy, bytes, bytes, 12, crc), "x"));
    assert_error_says("compression method 12");
    assert_null(load(zip, make_zip(zip, npy, bytes, bytes, 8, crc), "x"));
    assert_true(tr_error_stands());
    tr_error_clear();
}

TEST(two_arrays_of_one_name_are_refused)
{
    unsigned char npy[256], zip[1024];
    size_t bytes = make_npy(npy, "(9,)", 9), n = make_zip(zip, npy, bytes, bytes, 0, crc32(0, npy, (unsigned)bytes));
    unsigned char *end = zip + n - 22;
    memmove(end + 51, end, 22);
    memcpy(end, end - 51, 51);
    put(end + 51 + 10, 2, 2);
    put(end + 51 + 12, 2 * 51, 4);
    assert_null(load(zip, n + 51, "x"));
    assert_error_says("two arrays 'x'");
}

TEST(every_truncation_and_every_flipped_byte_gives_a_tensor_or_an_error)
{
    const char *const files[] = {GOLDEN("stored.npz"), GOLDEN("deflated.npz"), GOLDEN("zip64.npz")};
    for (int f = 0; f < 3; f++) {
        size_t count;
        char *bytes = read_file(files[f], &count);
        for (size_t n = 0; n < count; n++) {
            assert_null(load(bytes, n, "label"));
            tr_error_clear();
        }
        for (size_t i = 0; i < count; i++) {
            bytes[i] ^= 0x55;
            tr_tensor *t = load(bytes, count, "label");
            assert_true(t || tr_error_stands());
            tr_error_clear();
            bytes[i] ^= 0x55;
        }
        free(bytes);
    }
}
