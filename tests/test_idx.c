#include "io_files.h"
#include "io/idx.h"

TEST(every_type_is_read)
{
    const struct {
        const char *path;
        tr_dtype dtype;
    } files[] = {
        {GOLDEN("idx_u1"), TR_UINT8},
        {GOLDEN("idx_i1"), TR_INT32},
        {GOLDEN("idx_i2"), TR_INT32},
        {GOLDEN("idx_i4"), TR_INT32},
        {GOLDEN("idx_f4"), TR_FLOAT32},
        {GOLDEN("idx_f8"), TR_FLOAT64},
    };
    for (int i = 0; i < 6; i++) {
        tr_tensor *t = tr_load_idx(files[i].path);
        assert_shape(t, 2, 3);
        assert_golden(t, files[i].dtype);
    }
}

TEST(gzip_is_known_by_its_content)
{
    assert_golden(tr_load_idx(GOLDEN("idx_i2.gz")), TR_INT32);
    assert_golden(tr_load_idx(GOLDEN("idx_i2_two_members.gz")), TR_INT32);
    size_t count;
    char *bytes = read_file(GOLDEN("idx_i2.gz"), &count);
    write_file("no-ending", bytes, count);
    free(bytes);
    assert_golden(tr_load_idx("no-ending"), TR_INT32);
}

static tr_tensor *load(const void *bytes, size_t count)
{
    io_source source = io_source_memory("load", bytes, (int64_t)count);
    return io_idx_read(&source);
}

TEST(a_scalar_and_an_empty_array_are_read)
{
    assert_item(load("\0\0\x09\0\xff", 5), -1, 0);
    assert_shape(load("\0\0\x0b\2\0\0\0\0\0\0\0\5", 12), 0, 5);
}

TEST(hostile_headers_are_refused)
{
    assert_null(load("", 0));
    assert_error_says("this is no IDX file");
    assert_null(load("PK\3\4", 4));
    assert_error_says("this is no IDX file");
    assert_null(load("\0\0\x0a\1", 4));
    assert_error_says("unknown IDX type 0x0a");
    assert_null(load("\0\0\xff\1", 4));
    assert_error_says("unknown IDX type 0xff");
    assert_null(load("\0\0\x08\x09", 4));
    assert_error_says("9 dimensions; at most 8");
    assert_null(load("\0\0\x08\2\0\0\0\1", 8));
    assert_error_says("the header is cut off");
    assert_null(load("\0\0\x08\1\xff\xff\xff\xff", 8));
    assert_error_says("size 0 of the header is negative");
}

TEST(a_file_of_another_length_than_the_header_says_is_refused)
{
    assert_null(load("\0\0\x08\1\0\0\0\3ab", 10));
    assert_error_says("header says (3,) uint8, 3 bytes, but the file has 2");
    assert_null(load("\0\0\x08\1\0\0\0\3abcd", 12));
    assert_error_says("3 bytes, but the file has more");
    assert_null(load("\0\0\x0e\3\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff", 16));
    assert_error_says("more bytes than can be counted");
    assert_null(load("\0\0\x09\2\x7f\xff\xff\xff\0\0\0\1", 12));
    assert_error_says("but the file has 0");
}

TEST(every_truncation_and_every_flipped_byte_gives_a_tensor_or_an_error)
{
    const char *const files[] = {GOLDEN("idx_i2"), GOLDEN("idx_i2.gz"), GOLDEN("idx_i2_two_members.gz")};
    for (int f = 0; f < 3; f++) {
        size_t count;
        char *bytes = read_file(files[f], &count);
        for (size_t n = 0; n < count; n++) {
            assert_null(load(bytes, n));
            tr_error_clear();
        }
        for (size_t i = 0; i < count; i++) {
            bytes[i] ^= 0x55;
            tr_tensor *t = load(bytes, count);
            assert_true(t || tr_error_stands());
            tr_error_clear();
            bytes[i] ^= 0x55;
        }
        free(bytes);
    }
}
