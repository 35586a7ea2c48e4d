#include "io/json.h"

#include <inttypes.h>
#include <string.h>

static void skip_space(io_json *j)
{
    while (j->at < j->length && (j->text[j->at] == ' ' || j->text[j->at] == '\t' || j->text[j->at] == '\n' || j->text[j->at] == '\r')) j->at++;
}

static bool take(io_json *j, char c)
{
    skip_space(j);
    if (j->at >= j->length || j->text[j->at] != c) return false;
    j->at++;
    return true;
}

static int malformed(const io_json *j, const char *wanted)
{
    return io_fail_status(j->source, "%s wanted at byte %" PRId64 " of the header, where there is \"%s\"", wanted, j->at, j->at < j->length ? io_shown(j->text + j->at) : "");
}

int io_json_object(io_json *j, io_json_member *member, void *data)
{
    if (!take(j, '{')) return malformed(j, "an object");
    if (take(j, '}')) return 0;
    do {
        char *key;
        if (io_json_string(j, &key) < 0) return -1;
        if (!take(j, ':')) return malformed(j, "a colon");
        if (member(j, key, data) < 0) return -1;
    } while (take(j, ','));
    return take(j, '}') ? 0 : malformed(j, "a comma or a closing brace");
}

int io_json_array(io_json *j, io_json_element *element, void *data)
{
    if (!take(j, '[')) return malformed(j, "an array");
    if (take(j, ']')) return 0;
    do
        if (element(j, data) < 0) return -1;
    while (take(j, ','));
    return take(j, ']') ? 0 : malformed(j, "a comma or a closing bracket");
}

int io_json_size(io_json *j, int64_t *value)
{
    skip_space(j);
    const char *begin = j->text + j->at, *c = begin;
    for (*value = 0; *c >= '0' && *c <= '9'; c++) {
        int digit = *c - '0';
        if (*value > (INT64_MAX - digit) / 10) return malformed(j, "a smaller number");
        *value = *value * 10 + digit;
    }
    bool leading_zero = *begin == '0' && c - begin > 1, fraction = *c == '.' || *c == 'e' || *c == 'E';
    if (c == begin || leading_zero || fraction) return malformed(j, "a whole number");
    j->at += c - begin;
    return 0;
}

int io_json_end(io_json *j)
{
    skip_space(j);
    return j->at == j->length ? 0 : malformed(j, "nothing more");
}

/* ---- strings ---- */

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *c)
{
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = c[i] >= '0' && c[i] <= '9' ? c[i] - '0' : (c[i] | 0x20) >= 'a' && (c[i] | 0x20) <= 'f' ? (c[i] | 0x20) - 'a' + 10
                                                                                                           : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *to, int32_t point)
{
    if (point < 0x80)
        *to++ = (char)point;
    else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* One escape, *from behind its backslash; the result is never longer than the escape.  NULL for none that is known. */
static char *unescape(char *to, const char **from)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *c = *from, *letter = *c ? strchr(letters, *c) : NULL;
    if (letter) {
        *to = meanings[letter - letters];
        *from = c + 1;
        return to + 1;
    }
    int32_t point = *c == 'u' ? hex4(c + 1) : -1;
    if (point <= 0) return NULL; /* a NUL would end the C string */
    c += 5;
    if (point >= 0xd800 && point < 0xe000) { /* one half of a pair */
        int32_t low = point < 0xdc00 && c[0] == '\\' && c[1] == 'u' ? hex4(c + 2) : -1;
        if (low < 0xdc00 || low > 0xdfff) return NULL;
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        c += 6;
    }
    *from = c;
    return put_utf8(to, point);
}

/* The text's own NUL stops every look ahead. */
int io_json_string(io_json *j, char **value)
{
    if (!take(j, '"')) return malformed(j, "a string");
    char *begin = j->text + j->at, *to = begin;
    const char *from = begin;
    while (*from != '"') {
        j->at = from - j->text;
        if ((unsigned char)*from < 0x20) return malformed(j, "a string's end, or no control character,");
        if (*from != '\\')
            *to++ = *from++;
        else {
            from++;
            to = unescape(to, &from);
            if (!to) return malformed(j, "a known escape");
        }
    }
    j->at = from - j->text + 1;
    *to = '\0';
    *value = begin;
    return io_utf8_valid(begin) ? 0 : io_fail_status(j->source, "the string \"%s\" of the header is not UTF-8", io_shown(begin));
}

bool io_utf8_valid(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        if (*c < 0x80) {
            c++;
            continue;
        }
        int more = *c >= 0xf0 ? 3 : *c >= 0xe0 ? 2
                                               : 1;
        if (*c < 0xc2 || *c > 0xf4) return false;
        /* The second byte's range shuts out overlong forms, surrogates and what lies past U+10FFFF. */
        unsigned low = *c == 0xe0 ? 0xa0 : *c == 0xf0 ? 0x90
                                                      : 0x80;
        unsigned high = *c == 0xed ? 0x9f : *c == 0xf4 ? 0x8f
                                                       : 0xbf;
        if (c[1] < low || c[1] > high) return false;
        for (int i = 2; i <= more; i++)
            if (c[i] < 0x80 || c[i] > 0xbf) return false;
        c += 1 + more;
    }
    return true;
}

void io_json_write_string(FILE *file, const char *text)
{
    putc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", (unsigned)*c);
        else
            putc(*c, file);
    putc('"', file);
}
