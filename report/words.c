#include "report/words.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool report_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *locale = getenv(names[i]);
        if (!locale || !*locale) continue;
        const char *charset = strchr(locale, '.');
        return charset && (strncasecmp(charset, ".UTF-8", 6) == 0 || strncasecmp(charset, ".UTF8", 5) == 0);
    }
    return false;
}

/* ---- characters ---- */

enum { NOT_UTF8 = 0xFFFD };

const char *report_character(const char *text, uint32_t *character)
{
    const unsigned char *s = (const unsigned char *)text;
    int more = s[0] < 0x80 ? 0 : s[0] >= 0xC2 && s[0] < 0xE0 ? 1
                             : s[0] >= 0xE0 && s[0] < 0xF0   ? 2
                             : s[0] >= 0xF0 && s[0] < 0xF5   ? 3
                                                             : -1;
    static const uint32_t first_bits[] = {0x7F, 0x1F, 0x0F, 0x07}, least[] = {0, 0x80, 0x800, 0x10000};

    *character = NOT_UTF8;
    if (more < 0) return text + 1;
    uint32_t c = s[0] & first_bits[more];
    for (int i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) return text + 1; /* also stops at the terminating zero */
        c = c << 6 | (s[i] & 0x3Fu);
    }
    if (c < least[more] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return text + 1;
    *character = c;
    return text + 1 + more;
}

bool report_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F || c == 0x2028 || c == 0x2029 ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_in(const uint32_t *ranges, size_t n, uint32_t c)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        if (c >= ranges[i] && c <= ranges[i + 1]) return true;
    return false;
}

/* The large blocks of Unicode's East Asian Width and of its combining marks, as first and last.  wcwidth() would want
 * the program to have called setlocale. */
static int width(uint32_t c)
{
    static const uint32_t none[] = {0x0300, 0x036F, 0x1AB0, 0x1AFF, 0x1DC0, 0x1DFF, 0x200B, 0x200F,
                                    0x20D0, 0x20FF, 0xFE00, 0xFE0F, 0xFE20, 0xFE2F};
    static const uint32_t two[] = {0x1100, 0x115F, 0x2E80, 0x303E, 0x3041, 0xA4CF, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
                                   0xFE30, 0xFE6F, 0xFF00, 0xFF60, 0xFFE0, 0xFFE6, 0x1F300, 0x1F64F,
                                   0x1F680, 0x1F6FF, 0x1F900, 0x1F9FF, 0x20000, 0x3FFFD};
    if (c < 0x0300) return 1;
    if (is_in(none, sizeof none / sizeof *none, c)) return 0;
    return is_in(two, sizeof two / sizeof *two, c) ? 2 : 1;
}

void report_clean(char *clean, size_t bytes, const char *text, bool utf8)
{
    size_t n = 0;
    for (const char *next; text && *text; text = next) {
        uint32_t c;
        next = report_character(text, &c);
        const char *shown = text;
        size_t length = (size_t)(next - text);
        if (report_is_control(c))
            shown = " ", length = 1;
        else if (c == NOT_UTF8 || (c >= 0x80 && !utf8))
            shown = "?", length = 1;
        if (n + length >= bytes) break;
        memcpy(clean + n, shown, length);
        n += length;
    }
    clean[n] = '\0';
}

int report_columns(const char *text)
{
    int columns = 0;
    while (*text) {
        uint32_t c;
        text = report_character(text, &c);
        columns += width(c);
    }
    return columns;
}

void report_cut(char *text, size_t bytes, int columns, bool utf8)
{
    if (report_columns(text) <= columns) return;
    const char *ellipsis = utf8 ? "…" : "..";
    int room = columns - report_columns(ellipsis);
    if (room < 0) ellipsis = "", room = columns;

    size_t end = 0, length = strlen(ellipsis);
    while (text[end]) {
        uint32_t c;
        size_t next = (size_t)(report_character(text + end, &c) - text);
        room -= width(c);
        if (room < 0 || next + length >= bytes) break;
        end = next;
    }
    while (end > 0 && text[end - 1] == ' ') end--;
    memcpy(text + end, ellipsis, length + 1);
}

/* ---- numbers ---- */

void report_si(char text[static 16], double value)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T"};
    size_t p = 0;
    if (!isfinite(value)) value = 0;
    /* The bounds are where rounding to three digits would make a fourth. */
    for (; fabs(value) >= 999.5 && p + 1 < sizeof prefixes / sizeof *prefixes; p++) value /= 1000;
    int decimals = fabs(value) < 9.995 ? 2 : fabs(value) < 99.95 ? 1
                                                                 : 0;
    if (fabs(value) < 1e6)
        snprintf(text, 16, "%.*f%s", decimals, value, prefixes[p]);
    else
        snprintf(text, 16, "%.1e", value);
}

void report_clock(char text[static 32], double seconds)
{
    if (!(seconds >= 0) || seconds > 1e9) {
        snprintf(text, 32, "-:--");
        return;
    }
    long long s = (long long)(seconds + 0.5);
    if (s < 3600)
        snprintf(text, 32, "%lld:%02lld", s / 60, s % 60);
    else if (s < 100 * 3600)
        snprintf(text, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, 32, "%lldd %02lldh", s / 86400, s / 3600 % 24);
}

void report_exact(char text[static 32], double value)
{
    /* glibc and musl hand out one static object for the plain C locale: nothing to fail, nothing to cache. */
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0), before = uselocale(plain);
    if (isnan(value))
        snprintf(text, 32, "nan"); /* printf gives some of them a sign */
    else if (fabs(value) < 9007199254740992.0 && value == trunc(value))
        snprintf(text, 32, "%.0f", value);
    else
        for (int digits = 15; digits <= 17; digits++) {
            snprintf(text, 32, "%.*g", digits, value);
            if (strtod(text, NULL) == value) break;
        }
    uselocale(before);
    if (plain) freelocale(plain);
}
