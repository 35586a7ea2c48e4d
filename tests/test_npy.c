#include "io_files.h"
#include <sys/stat.h>
#include <unistd.h>
#include "io/npy.h"

static const struct {
    tr_dtype dtype;
    const char *name;
} types[] = {
    {TR_BOOL, "bool"},
    {TR_UINT8, "uint8"},
    {TR_INT32, "int32"},
    {TR_INT64, "int64"},
    {TR_FLOAT16, "float16"},
    {TR_FLOAT32, "float32"},
    {TR_FLOAT64, "float64"},
    {TR_COMPLEX64, "complex64"},
    {TR_COMPLEX128, "complex128"},
};
enum { TYPES = sizeof types / sizeof *types };

static const char *golden(const char *name, const char *end)
{
    static char path[512];
    snprintf(path, sizeof path, GOLDEN("%s%s"), name, end);
    return path;
}

TEST(every_type_of_numpy_is_read)
{
    for (int i = 0; i < TYPES; i++) {
        tr_tensor *t = tr_load_npy(golden(types[i].name, ".npy"));
        assert_shape(t, 2, 3);
        assert_golden(t, types[i].dtype);
    }
}

TEST(big_endian_is_read)
{
    for (int i = 2; i < TYPES; i++) assert_golden(tr_load_npy(golden(types[i].name, "_big_endian.npy")), types[i].dtype);
}

TEST(fortran_order_becomes_row_major)
{
    tr_tensor *t = tr_load_npy(GOLDEN("fortran.npy"));
    assert_shape(t, 2, 3, 4);
    assert_true(tr_is_contiguous(t));
    assert_golden(t, TR_FLOAT32);
    assert_golden(tr_load_npy(GOLDEN("fortran_large.npy")), TR_INT32);
}

TEST(scalars_rows_and_empty_arrays_are_read)
{
    assert_shape(tr_load_npy(GOLDEN("scalar.npy")));
    assert_shape(tr_load_npy(GOLDEN("row.npy")), 5);
    assert_shape(tr_load_npy(GOLDEN("empty.npy")), 0, 3);
}

TEST(versions_2_and_3_are_read)
{
    assert_golden(tr_load_npy(GOLDEN("version2.npy")), TR_FLOAT32);
    assert_golden(tr_load_npy(GOLDEN("version3.npy")), TR_FLOAT32);
}

TEST(types_that_tensors_lack_are_refused_by_name)
{
    const char *const refused[][2] = {
        {"int8", "int8 ('|i1') is a type that tensors do not have"},
        {"int16", "int16 ('<i2')"},
        {"uint16", "uint16 ('<u2')"},
        {"uint32", "uint32 ('<u4')"},
        {"uint64", "uint64 ('<u8')"},
        {"S3", "byte string ('|S3')"},
        {"U3", "string ('<U3')"},
        {"M8", "datetime64 ('<M8[s]')"},
        {"record", "records with named fields"},
        {"object", "Python objects ('|O') are pickles"},
        {"nine_dims", "refused_nine_dims.npy: 9 dimensions; at most 8"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char name[64];
        snprintf(name, sizeof name, "refused_%s", refused[i][0]);
        assert_null(tr_load_npy(golden(name, ".npy")));
        assert_error_says(refused[i][1]);
    }
}

TEST(saving_writes_what_numpy_writes)
{
    for (int i = 0; i < TYPES; i++) {
        assert_int_equal(tr_save_npy("saved.npy", tr_load_npy(golden(types[i].name, ".npy"))), 0);
        assert_same_files("saved.npy", golden(types[i].name, ".npy"));
    }
    const char *const shapes[] = {"scalar", "row", "empty"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(tr_save_npy("saved.npy", tr_load_npy(golden(shapes[i], ".npy"))), 0);
        assert_same_files("saved.npy", golden(shapes[i], ".npy"));
    }
}

TEST(a_strided_tensor_is_saved_in_row_major_order)
{
    float values[] = {-2, 1, -1, 2, 0, 3};
    const int64_t strides[] = {1, 2};
    tr_tensor *t = tr_from_blob(values, TR_FLOAT32, TR_SHAPE(2, 3), strides, NULL);
    assert_int_equal(tr_save_npy("strided.npy", t), 0);
    assert_same_files("strided.npy", GOLDEN("float32.npy"));
}

TEST(bfloat16_cannot_be_saved_as_npy)
{
    assert_int_equal(tr_save_npy("b.npy", tr_empty(TR_SHAPE(2), .dtype = TR_BFLOAT16)), -1);
    assert_error_says("tr_save_npy: b.npy: .npy has no type for bfloat16");
}

TEST(what_is_no_readable_file_is_named)
{
    assert_null(tr_load_npy("missing.npy"));
    assert_error_says("tr_load_npy: missing.npy: No such file or directory");
    assert_null(tr_load_npy("."));
    assert_error_says("this is a folder");
    assert_null(tr_load_npy("/dev/zero"));
    assert_error_says("this is a device");
    remove("pipe");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_null(tr_load_npy("pipe"));
    assert_error_says("this is a pipe");
    assert_null(tr_load_npy(NULL));
    assert_error_says("tr_load_npy: an argument is NULL");
    write_file("empty", "", 0);
    assert_null(tr_load_npy("empty"));
    assert_error_says("this is no .npy");
}

TEST(a_file_without_permission_is_named)
{
    if (geteuid() == 0) skip_because("root may read everything");
    write_file("locked.npy", "x", 1);
    chmod("locked.npy", 0);
    assert_null(tr_load_npy("locked.npy"));
    assert_error_says("Permission denied");
}

/* ---- hostile files ---- */

/* A file of this header text with `bytes` bytes of elements. */
static tr_tensor *load(const char *header, size_t bytes)
{
    unsigned char file[1024] = "\x93NUMPY\1";
    size_t length = strlen(header);
    file[8] = (unsigned char)length;
    file[9] = (unsigned char)(length >> 8);
    memcpy(file + 10, header, length + 1);
    io_source source = io_source_memory("load", file, (int64_t)(10 + length + bytes));
    io_stream stream;
    assert_int_equal(io_stream_open(&stream, &source, 0, source.size, IO_STORED), 0);
    tr_tensor *t = io_npy_read(&stream);
    io_stream_close(&stream);
    return t;
}

TEST(keys_come_in_any_order_and_spacing)
{
    assert_shape(load("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}", 24), 2, 3);
    assert_shape(load("{ \"fortran_order\" : True , \"shape\" : ( 2 , 3 , ) , \"descr\" : \"=f4\" , } \n", 24), 2, 3);
    assert_shape(load("{'descr': '<i8', 'fortran_order': False, 'shape': (3L,), }", 24), 3);
}

TEST(a_file_of_another_length_than_the_header_says_is_refused)
{
    assert_null(load("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", 40));
    assert_error_says("load: (memory): header says (3, 4) float32, 48 bytes, but the file has 40");
    assert_null(load("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", 56));
    assert_error_says("48 bytes, but the file has more");
}

TEST(a_huge_shape_takes_no_memory)
{
    assert_null(load("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }", 100));
    assert_error_says("8000000000000 bytes, but the file has 100");
    assert_null(load("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 0));
    assert_error_says("more bytes than can be counted");
    assert_null(load("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904, 4), }", 0));
    assert_error_says("more bytes than can be counted");
    assert_null(load("{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,), }", 0));
    assert_error_says("is too large");
}

TEST(malformed_headers_are_refused)
{
    const char *const headers[][2] = {
        {"", "a dictionary wanted"},
        {"{}", "no 'descr'"},
        {"{'descr': '<f4', 'fortran_order': False}", "no 'shape'"},
        {"{'descr': '<f4', 'shape': ()}", "no 'fortran_order'"},
        {"{'descr': '<f4', 'descr': '<f4'}", "a second key 'descr'"},
        {"{'color': 1}", "unknown key 'color'"},
        {"{'descr': '<f4'; }", "a comma or a closing brace wanted"},
        {"{'descr': '<f4", "a short string wanted"},
        {"{'descr': 'q7'}", "unknown type 'q7'"},
        {"{'descr': ''}", "unknown type ''"},
        {"{'fortran_order': Maybe}", "True or False wanted"},
        {"{'shape': 3}", "a tuple wanted"},
        {"{'shape': (3)}", "a comma wanted"},
        {"{'shape': (-3,)}", "a size wanted"},
        {"{'shape': (3 4)}", "a comma"},
        {"{'shape': (,)}", "a size wanted"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': ()} import os", "nothing more wanted"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        assert_null(load(headers[i][0], 4));
        assert_error_says(headers[i][1]);
    }
}

TEST(every_truncation_and_every_flipped_byte_gives_a_tensor_or_an_error)
{
    size_t count;
    char *bytes = read_file(GOLDEN("fortran.npy"), &count);
    for (size_t n = 0; n < count; n++) {
        write_file("cut.npy", bytes, n);
        assert_null(tr_load_npy("cut.npy"));
        tr_error_clear();
    }
    for (size_t i = 0; i < 128; i++) {
        bytes[i] ^= 0x15;
        write_file("flipped.npy", bytes, count);
        tr_tensor *t = tr_load_npy("flipped.npy");
        assert_true(t || tr_error_stands());
        tr_error_clear();
        bytes[i] ^= 0x15;
    }
    free(bytes);
}

TEST(a_bool_that_is_neither_0_nor_1_becomes_1)
{
    unsigned char file[] = "\x93NUMPY\1\0\x39\0{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\7\0\1";
    write_file("bool.npy", file, sizeof file - 1);
    tr_tensor *t = tr_load_npy("bool.npy");
    assert_shape(t, 3);
    assert_memory_equal(tr_data(t), "\1\0\1", 3);
}
