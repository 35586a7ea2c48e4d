/* The .npy header: a Python literal, of which we take just the dictionary that NumPy writes, its keys in any order. */
#include <string.h>
#include "io/npy.h"

typedef struct {
    const io_source *source;
    const char *at, *end;
} reader;

static void skip_space(reader *r)
{
    while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

/* Is c next?  If so, step over it. */
static bool take(reader *r, char c)
{
    skip_space(r);
    if (r->at >= r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool take_word(reader *r, const char *word)
{
    skip_space(r);
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

static int malformed(const reader *r, const char *wanted)
{
    return io_fail_status(r->source, "%s wanted in the header, where there is \"%s\"", wanted, r->at < r->end ? io_shown(r->at) : "");
}

/* 'text' or "text", without escapes: NumPy's own keys and simple types need none. */
static int string(reader *r, char *to, size_t room)
{
    skip_space(r);
    char quote = r->at < r->end ? *r->at : '\0';
    if (quote != '\'' && quote != '"') return malformed(r, "a string");
    const char *begin = r->at + 1, *c = begin;
    while (c < r->end && *c != quote && *c != '\\' && *c != '\0') c++;
    if (c >= r->end || *c != quote || (size_t)(c - begin) >= room) return malformed(r, "a short string");
    memcpy(to, begin, (size_t)(c - begin));
    to[c - begin] = '\0';
    r->at = c + 1;
    return 0;
}

static int boolean(reader *r, bool *value)
{
    *value = take_word(r, "True");
    return *value || take_word(r, "False") ? 0 : malformed(r, "True or False");
}

static int size(reader *r, int64_t *value)
{
    skip_space(r);
    if (r->at >= r->end || *r->at < '0' || *r->at > '9') return malformed(r, "a size");
    const char *begin = r->at;
    for (*value = 0; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++) {
        int digit = *r->at - '0';
        if (*value > (INT64_MAX - digit) / 10) return io_fail_status(r->source, "the size %s is too large", io_shown(begin));
        *value = *value * 10 + digit;
    }
    if (r->at < r->end && *r->at == 'L') r->at++; /* Python 2 wrote its long integers so */
    return 0;
}

/* (), (5,), (3, 4), (3, 4,) */
static int shape(reader *r, tr_shape *to)
{
    *to = (tr_shape){0};
    if (!take(r, '(')) return malformed(r, "a tuple");
    for (int n = 0;; n++) {
        if (take(r, ')')) {
            to->ndim = n;
            break;
        }
        int64_t value = 0;
        if (size(r, &value) < 0) return -1;
        if (n < TR_MAX_DIMS) to->size[n] = value;
        bool comma = take(r, ',');
        if (!comma && n == 0) return malformed(r, "a comma");
        if (comma) continue;
        if (!take(r, ')')) return malformed(r, "a comma or a closing bracket");
        to->ndim = n + 1;
        break;
    }
    if (to->ndim > TR_MAX_DIMS) return io_fail_status(r->source, "%d dimensions; at most %d are possible", to->ndim, TR_MAX_DIMS);
    return 0;
}

static const struct {
    const char *code;
    tr_dtype dtype; /* 0: there is none here */
    const char *name;
} types[] = {
    {"b1", TR_BOOL, "bool"},
    {"u1", TR_UINT8, "uint8"},
    {"i4", TR_INT32, "int32"},
    {"i8", TR_INT64, "int64"},
    {"f2", TR_FLOAT16, "float16"},
    {"f4", TR_FLOAT32, "float32"},
    {"f8", TR_FLOAT64, "float64"},
    {"c8", TR_COMPLEX64, "complex64"},
    {"c16", TR_COMPLEX128, "complex128"},
    {"i1", 0, "int8"},
    {"i2", 0, "int16"},
    {"u2", 0, "uint16"},
    {"u4", 0, "uint32"},
    {"u8", 0, "uint64"},
    {"f16", 0, "float128"},
    {"c32", 0, "complex256"},
    {"S", 0, "byte string"},
    {"U", 0, "string"},
    {"V", 0, "raw data"},
    {"M", 0, "datetime64"},
    {"m", 0, "timedelta64"},
};

/* "<f4": byte order, kind, bytes */
static int element_type(reader *r, io_npy_header *header)
{
    if (take(r, '[')) return io_fail_status(r->source, "records with named fields have no type here");
    char text[64];
    if (string(r, text, sizeof text) < 0) return -1;
    const char *code = text;
    header->swapped = *code == '>';
    if (*code && strchr("<>|=", *code)) code++;
    if (*code == 'O') return io_fail_status(r->source, "Python objects ('%s') are pickles, which run code: refused", io_shown(text));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        bool same = types[i].code[1] ? strcmp(types[i].code, code) == 0 : *code == *types[i].code;
        if (!same) continue;
        header->dtype = types[i].dtype;
        return header->dtype ? 0 : io_fail_status(r->source, "%s ('%s') is a type that tensors do not have", types[i].name, io_shown(text));
    }
    return io_fail_status(r->source, "unknown type '%s'", io_shown(text));
}

enum { DESCR = 1,
       ORDER = 2,
       SHAPE = 4,
       ALL = 7 };

static int entry(reader *r, io_npy_header *header, int *seen)
{
    char key[32];
    if (string(r, key, sizeof key) < 0) return -1;
    int which = strcmp(key, "descr") == 0 ? DESCR : strcmp(key, "fortran_order") == 0 ? ORDER
                                                : strcmp(key, "shape") == 0           ? SHAPE
                                                                                      : 0;
    if (!which || *seen & which) return io_fail_status(r->source, "%s key '%s' in the header", which ? "a second" : "unknown", io_shown(key));
    *seen |= which;
    if (!take(r, ':')) return malformed(r, "a colon");
    if (which == DESCR) return element_type(r, header);
    return which == ORDER ? boolean(r, &header->fortran) : shape(r, &header->shape);
}

int io_npy_header_parse(const io_source *source, const char *text, int64_t length, io_npy_header *header)
{
    reader r = {source, text, text + length};
    int seen = 0;
    *header = (io_npy_header){0};
    if (!take(&r, '{')) return malformed(&r, "a dictionary");
    while (!take(&r, '}')) {
        if (entry(&r, header, &seen) < 0) return -1;
        if (take(&r, ',')) continue;
        if (!take(&r, '}')) return malformed(&r, "a comma or a closing brace");
        break;
    }
    skip_space(&r);
    if (r.at < r.end) return malformed(&r, "nothing more");
    if (seen != ALL) return io_fail_status(source, "no '%s' in the header", !(seen & DESCR) ? "descr" : !(seen & ORDER) ? "fortran_order"
                                                                                                                        : "shape");
    return 0;
}
