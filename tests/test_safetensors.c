#include "io_files.h"
#include "io/safetensors.h"

TEST(every_type_of_the_reference_is_read)
{
    const struct {
        const char *name;
        tr_dtype dtype;
    } types[] = {
        {"bool", TR_BOOL},
        {"uint8", TR_UINT8},
        {"int32", TR_INT32},
        {"int64", TR_INT64},
        {"float16", TR_FLOAT16},
        {"float32", TR_FLOAT32},
        {"float64", TR_FLOAT64},
        {"complex64", TR_COMPLEX64},
    };
    tr_safetensors *f = tr_safetensors_open(GOLDEN("numpy.safetensors"));
    assert_non_null(f);
    assert_int_equal(tr_safetensors_count(f), 12);
    for (int i = 0; i < 8; i++) {
        tr_tensor *t = tr_safetensors_get(f, types[i].name);
        assert_shape(t, 2, 3);
        assert_golden(t, types[i].dtype);
    }
    assert_shape(tr_safetensors_get(f, "scalar"));
    assert_shape(tr_safetensors_get(f, "empty"), 0, 3);
}

TEST(names_and_metadata_are_unescaped)
{
    tr_safetensors *f = tr_safetensors_open(GOLDEN("numpy.safetensors"));
    assert_golden(tr_safetensors_get(f, "gr\u00f6\u00dfe \"\\\n\U0001f6a3"), TR_FLOAT32);
    assert_true(tr_safetensors_has(f, "scalar"));
    assert_false(tr_safetensors_has(f, "vector"));
    assert_string_equal(tr_safetensors_name(f, 0), "int64");
    assert_null(tr_safetensors_name(f, 12));
    assert_string_equal(tr_safetensors_metadata(f, "steps"), "12");
    assert_null(tr_safetensors_metadata(f, "epochs"));
}

TEST(a_type_that_tensors_lack_is_refused_when_it_is_asked_for)
{
    tr_safetensors *f = tr_safetensors_open(GOLDEN("numpy.safetensors"));
    assert_null(tr_safetensors_get(f, "int8"));
    assert_error_says("numpy.safetensors: 'int8' is of type I8, which tensors do not have");
    assert_null(tr_safetensors_get(f, "vector"));
    assert_error_says("tr_safetensors_get: ");
    assert_null(tr_safetensors_get(NULL, "vector"));
    assert_error_says("an argument is NULL");
}

TEST(what_is_saved_comes_back)
{
    tr_tensor *tensor[] = {
        tr_load_npy(GOLDEN("bool.npy")), tr_load_npy(GOLDEN("int64.npy")), tr_load_npy(GOLDEN("float16.npy")),
        tr_load_npy(GOLDEN("complex64.npy")), tr_load_npy(GOLDEN("scalar.npy")), tr_load_npy(GOLDEN("empty.npy")),
        tr_empty(TR_SHAPE(3), .dtype = TR_BFLOAT16)};
    memcpy(tr_data(tensor[6]), "\x80\x3f\0\0\xc0\x7f", 6);
    const char *const name[] = {"b", "layer.0\n\"\\", "h", "\u00e9", "", "e", "bf"};
    const char *const metadata[] = {"format", "pt", "\x01", "\U0001f6a3"};
    assert_int_equal(tr_safetensors_save("saved.safetensors", name, ((tr_tensors){tensor, 7}), metadata, 2), 0);

    tr_safetensors *f = tr_safetensors_open("saved.safetensors");
    assert_non_null(f);
    assert_int_equal(tr_safetensors_count(f), 7);
    for (int i = 0; i < 7; i++) {
        assert_string_equal(tr_safetensors_name(f, i), name[i]);
        tr_tensor *t = tr_safetensors_get(f, name[i]);
        assert_dtype(t, tr_dtype_of(tensor[i]));
        assert_close_nan(t, tensor[i], 0);
    }
    assert_string_equal(tr_safetensors_metadata(f, "\x01"), "\U0001f6a3");

    size_t count;
    char *bytes = read_file("saved.safetensors", &count);
    assert_int_equal(bytes[0] & 7, 0); /* whoever maps the file finds the elements aligned */
    free(bytes);
}

TEST(nothing_can_be_saved_too)
{
    assert_int_equal(tr_safetensors_save("none.safetensors", NULL, ((tr_tensors){NULL, 0}), NULL, 0), 0);
    assert_int_equal(tr_safetensors_count(tr_safetensors_open("none.safetensors")), 0);
}

TEST(saving_refuses_what_could_not_be_read_back)
{
    tr_tensor *t = row(1, 2), *wide = tr_empty(TR_SHAPE(2), .dtype = TR_COMPLEX128);
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"a", "b", "a"}), TR_TENSORS(t, t, t), NULL, 0), -1);
    assert_error_says("tr_safetensors_save: x: two tensors 'a'");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"", ""}), TR_TENSORS(t, t), NULL, 0), -1);
    assert_error_says("two tensors ''");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"a"}), TR_TENSORS(t), ((const char *[]){"k", "1", "k", "2"}), 2), -1);
    assert_error_says("two metadata entries 'k'");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"\xff"}), TR_TENSORS(t), NULL, 0), -1);
    assert_error_says("not UTF-8");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"__metadata__"}), TR_TENSORS(t), NULL, 0), -1);
    assert_error_says("__metadata__");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"a"}), TR_TENSORS(wide), NULL, 0), -1);
    assert_error_says("'a' is complex128");
    assert_int_equal(tr_safetensors_save("x", ((const char *[]){"a"}), TR_TENSORS(NULL), NULL, 0), -1);
    assert_error_says("an argument is NULL");
}

/* ---- hostile files ---- */

static tr_safetensors *open_bytes(const char *header, uint64_t length, size_t bytes)
{
    static char file[4096];
    for (int i = 0; i < 8; i++) file[i] = (char)(unsigned char)(length >> 8 * i);
    memcpy(file + 8, header, strlen(header) + 1);
    memset(file + 8 + strlen(header), 0, bytes);
    return io_safetensors_read(io_source_memory("open", file, (int64_t)(8 + strlen(header) + bytes)));
}

/* A file of this header with `bytes` bytes of elements. */
static tr_safetensors *open_text(const char *header, size_t bytes) { return open_bytes(header, strlen(header), bytes); }

#define F32(name, shape, begin, end) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"

TEST(a_header_is_read_with_spaces_and_keys_in_any_order)
{
    tr_safetensors *f = open_text("{ \"a\" : { \"data_offsets\" : [ 0 , 8 ] , \"shape\" : [ 2 ] , \"dtype\" : \"F32\" } }   ", 8);
    assert_shape(tr_safetensors_get(f, "a"), 2);
    f = open_text("{" F32("\\u0061\\u00e9\\ud83d\\udea3\\/", "2", "0", "8") "}", 8);
    assert_shape(tr_safetensors_get(f, "a\u00e9\U0001f6a3/"), 2);
}

TEST(header_lengths_past_the_file_or_the_limit_are_refused)
{
    assert_null(open_bytes("{}", 3, 0));
    assert_error_says("a header of 3 bytes in a file of 10");
    assert_null(open_bytes("{}", UINT64_MAX, 0));
    assert_error_says("a header of 18446744073709551615 bytes");
    assert_null(open_bytes("{}", 100000001, 0));
    assert_error_says("a header of 100000001 bytes");
    assert_null(io_safetensors_read(io_source_memory("open", "1234567", 7)));
    assert_error_says("this is no .safetensors: it has 7 bytes");
    assert_null(io_safetensors_read(io_source_memory("open", "PK\003\004\0\0\b\b\0\0", 10)));
    assert_error_says("as torch.save's .pt: safetensors.torch.save_file");
    assert_null(io_safetensors_read(io_source_memory("open", "\200\002\212\nl\374\234F", 8)));
    assert_error_says("as torch.save's .pt");
}

TEST(offsets_that_leave_holes_overlap_or_pass_the_end_are_refused)
{
    assert_non_null(open_text("{" F32("b", "2", "4", "12") "," F32("a", "1", "0", "4") "}", 12));
    assert_null(open_text("{" F32("a", "1", "0", "4") "," F32("b", "1", "8", "12") "}", 12));
    assert_error_says("'b' begins at byte 8, but what is before it ends at 4");
    assert_null(open_text("{" F32("a", "2", "0", "8") "," F32("b", "2", "4", "12") "}", 12));
    assert_error_says("'b' begins at byte 4, but what is before it ends at 8");
    assert_null(open_text("{" F32("a", "1", "0", "4") "}", 8));
    assert_error_says("the tensors end at byte 4, the file has 8");
    assert_null(open_text("{" F32("a", "2", "0", "8") "}", 4));
    assert_error_says("'a' lies in bytes 0 to 8, the file has 4");
    assert_null(open_text("{" F32("a", "2", "8", "0") "}", 8));
    assert_error_says("'a' lies in bytes 8 to 0");
    assert_null(open_text("{" F32("a", "3", "0", "8") "}", 8));
    assert_error_says("'a' is (3,) F32, 12 bytes, but has 8");
}

TEST(shapes_that_overflow_or_have_too_many_sizes_are_refused)
{
    assert_null(open_text("{" F32("a", "4294967296,4294967296", "0", "8") "}", 8));
    assert_error_says("more bytes than can be counted");
    assert_null(open_text("{" F32("a", "9223372036854775808", "0", "8") "}", 8));
    assert_error_says("a smaller number");
    assert_null(open_text("{" F32("a", "1,1,1,1,1,1,1,1,2", "0", "8") "}", 8));
    assert_error_says("'a' has 9 dimensions; at most 8");
}

TEST(what_comes_twice_is_refused)
{
    assert_null(open_text("{" F32("a", "1", "0", "4") "," F32("\\u0061", "1", "4", "8") "}", 8));
    assert_error_says("two tensors 'a'");
    assert_null(open_text("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0));
    assert_error_says("metadata 'k' comes twice");
    assert_null(open_text("{\"__metadata__\":{},\"__metadata__\":{}}", 0));
    assert_error_says("two times __metadata__");
    assert_null(open_text("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", 0));
    assert_error_says("a second key 'dtype' in the header of 'a'");
}

TEST(malformed_headers_are_refused)
{
    const char *const headers[][2] = {
        {"", "does not begin with {"},
        {" {}", "does not begin with {"},
        {"{", "a string wanted"},
        {"{}x", "nothing more wanted"},
        {"{\"a\"}", "a colon wanted"},
        {"{\"a\":{}}", "'a' has no dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", "'a' has no data_offsets"},
        {"{\"a\":{\"color\":1}}", "unknown key 'color'"},
        {"{\"a\":{\"dtype\":7}}", "a string wanted"},
        {"{\"a\":{\"shape\":[1.5]}}", "a whole number wanted"},
        {"{\"a\":{\"shape\":[01]}}", "a whole number wanted"},
        {"{\"a\":{\"shape\":[-1]}}", "a whole number wanted"},
        {"{\"a\":{\"shape\":[1,]}}", "a whole number wanted"},
        {"{\"a\":{\"shape\":[1 1]}}", "a comma or a closing bracket wanted"},
        {"{\"a\":{\"data_offsets\":[1]}}", "'a' has 1 data_offsets"},
        {"{\"__metadata__\":{\"k\":1}}", "a string wanted"},
        {"{\"\xc0\x80\":{}}", "is not UTF-8"},
        {"{\"\xed\xa0\x80\":{}}", "is not UTF-8"},
        {"{\"\xf4\x90\x80\x80\":{}}", "is not UTF-8"},
        {"{\"\xe9\":{}}", "is not UTF-8"},
        {"{\"\\ud800\":{}}", "a known escape"},
        {"{\"\\udc00\":{}}", "a known escape"},
        {"{\"\\u0000\":{}}", "a known escape"},
        {"{\"\\x41\":{}}", "a known escape"},
        {"{\"a\nb\":{}}", "no control character"},
        {"{\"a", "a string's end"},
        {"{\"a\\", "a known escape"},
        {"{\"a\\ud800\\u", "a known escape"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_null(open_text(headers[i][0], 0));
        assert_error_says(headers[i][1]);
    }
}

TEST(every_truncation_and_every_flipped_byte_gives_a_file_or_an_error)
{
    size_t count;
    char *bytes = read_file(GOLDEN("numpy.safetensors"), &count);
    for (size_t n = 0; n < count; n++) {
        assert_null(io_safetensors_read(io_source_memory("open", bytes, (int64_t)n)));
        tr_error_clear();
    }
    for (size_t i = 0; i < count; i++) {
        bytes[i] ^= 0x05;
        tr_safetensors *f = io_safetensors_read(io_source_memory("open", bytes, (int64_t)count));
        assert_true(f || tr_error_stands());
        for (int64_t k = 0; k < tr_safetensors_count(f); k++) (tr_safetensors_get)(f, tr_safetensors_name(f, k));
        tr_error_clear();
        bytes[i] ^= 0x05;
    }
    free(bytes);
}
