#include "launcher/json_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32 };

/* In lines and columns from 1. */
bool json_wrong(json *j, const char *what)
{
    if (*j->why) return false;
    int line = 1;
    const char *begin = j->begin;
    for (const char *c = j->begin; c < j->at; c++)
        if (*c == '\n') line++, begin = c + 1;
    char met[24] = "the end of the file";
    unsigned char c = j->at < j->end ? (unsigned char)*j->at : 0;
    if (j->at < j->end) snprintf(met, sizeof met, c > ' ' && c < 127 ? "'%c'" : "byte 0x%02x", c);
    snprintf(j->why, j->why_bytes, "%s:%d:%d: %s, met %s", j->path, line, (int)(j->at - begin) + 1, what, met);
    return false;
}

void json_skip_space(json *j)
{
    while (j->at < j->end && strchr(" \t\r\n", *j->at) && *j->at) j->at++;
}

static bool next_is(json *j, char c)
{
    json_skip_space(j);
    if (j->at == j->end || *j->at != c) return false;
    j->at++;
    return true;
}

static bool want(json *j, char c, const char *what) { return next_is(j, c) || json_wrong(j, what); }

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool escape(json *j)
{
    if (j->at < j->end && strchr("\"\\/bfnrt", *j->at) && *j->at) return j->at++, true;
    if (j->end - j->at < 5 || *j->at != 'u') return json_wrong(j, "an escape is expected");
    for (int i = 1; i < 5; i++)
        if (!is_hex(j->at[i])) return json_wrong(j, "an escape \\u has four hexadecimal digits");
    j->at += 5;
    return true;
}

bool json_string(json *j, char *to, size_t room)
{
    if (!want(j, '"', "a string is expected")) return false;
    const char *begin = j->at;
    while (j->at < j->end && *j->at != '"') {
        if ((unsigned char)*j->at < ' ') return json_wrong(j, "a control character in a string");
        if (*j->at++ == '\\' && !escape(j)) return false;
    }
    if (j->at == j->end) return json_wrong(j, "the string does not end");
    size_t n = (size_t)(j->at++ - begin);
    if (!to) return true;
    if (n >= room) n = room - 1;
    memcpy(to, begin, n);
    to[n] = '\0';
    return true;
}

static bool digits(json *j)
{
    const char *begin = j->at;
    while (j->at < j->end && *j->at >= '0' && *j->at <= '9') j->at++;
    return j->at > begin || json_wrong(j, "a digit is expected");
}

bool json_number(json *j, double *value)
{
    json_skip_space(j);
    const char *begin = j->at;
    if (j->at < j->end && *j->at == '-') j->at++;
    const char *first = j->at;
    if (!digits(j)) return false;
    if (*first == '0' && j->at > first + 1) return json_wrong(j, "a number does not begin with 0");
    if (j->at < j->end && *j->at == '.') {
        j->at++;
        if (!digits(j)) return false;
    }
    if (j->at < j->end && (*j->at == 'e' || *j->at == 'E')) {
        j->at++;
        if (j->at < j->end && (*j->at == '+' || *j->at == '-')) j->at++;
        if (!digits(j)) return false;
    }
    *value = strtod(begin, NULL); /* ends where we did: the same grammar */
    return true;
}

bool json_whole(json *j, int64_t *value)
{
    double x = 0;
    json_skip_space(j);
    const char *begin = j->at;
    if (!json_number(j, &x)) return false;
    if (x >= -9007199254740992.0 && x <= 9007199254740992.0 && x == (double)(int64_t)x) {
        *value = (int64_t)x;
        return true;
    }
    j->at = begin;
    return json_wrong(j, "a whole number is expected");
}

static bool skip_member(json *j, const char *key, void *data)
{
    (void)key, (void)data;
    return json_value(j);
}

bool json_object(json *j, json_member *member, void *data)
{
    if (!want(j, '{', "an object is expected")) return false;
    if (++j->depth > DEEPEST) return json_wrong(j, "this is nested too deep");
    if (!next_is(j, '}')) {
        do {
            char key[32];
            if (!json_string(j, key, sizeof key) || !want(j, ':', "a ':' is expected") || !member(j, key, data)) return false;
        } while (next_is(j, ','));
        if (!want(j, '}', "a ',' or the object's '}' is expected")) return false;
    }
    j->depth--;
    return true;
}

static bool skip_element(json *j, void *data)
{
    (void)data;
    return json_value(j);
}

bool json_array(json *j, json_element *element, void *data)
{
    if (!want(j, '[', "an array is expected")) return false;
    if (++j->depth > DEEPEST) return json_wrong(j, "this is nested too deep");
    if (!next_is(j, ']')) {
        do
            if (!element(j, data)) return false;
        while (next_is(j, ','));
        if (!want(j, ']', "a ',' or the array's ']' is expected")) return false;
    }
    j->depth--;
    return true;
}

static bool word(json *j, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(j->end - j->at) < n || memcmp(j->at, text, n) != 0) return false;
    j->at += n;
    return true;
}

bool json_value(json *j)
{
    double ignored;
    json_skip_space(j);
    char c = j->at < j->end ? *j->at : '\0';
    if (c == '{') return json_object(j, skip_member, NULL);
    if (c == '[') return json_array(j, skip_element, NULL);
    if (c == '"') return json_string(j, NULL, 0);
    if (c == '-' || (c >= '0' && c <= '9')) return json_number(j, &ignored);
    return word(j, "true") || word(j, "false") || word(j, "null") || json_wrong(j, "a value is expected");
}
