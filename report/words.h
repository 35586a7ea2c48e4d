/* Words for people: text that cannot disturb what it is shown in, and numbers short enough to read at a glance.
 *
 * Titles, notes and legends come from anywhere.  Before they are shown they are cleaned (no byte of them moves a cursor
 * or ends a line) and measured in columns, which for UTF-8 is neither its bytes nor its characters. */
#ifndef TRIREME_REPORT_WORDS_H
#define TRIREME_REPORT_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if the environment's locale (LC_ALL, LC_CTYPE or LANG, whichever speaks first) is UTF-8.  Programs rarely call
 * setlocale, so what the C library thinks is no help. */
bool report_utf8(void);

/* The character at `text`, and where the next begins.  Bytes that are not UTF-8 give U+FFFD, one byte at a time. */
const char *report_character(const char *text, uint32_t *character);

/* True for what moves a cursor, ends a line or turns the writing direction. */
bool report_is_control(uint32_t character);

/* Copy `text` (NULL: "") with a space for each control character, and '?' for what the terminal cannot show; cut
 * between characters where it does not fit. */
void report_clean(char *clean, size_t bytes, const char *text, bool utf8);

/* How many columns a terminal gives this text. */
int report_columns(const char *text);

/* Shorten `text`, in its buffer of `bytes`, to at most `columns` columns, its end an ellipsis if anything went. */
void report_cut(char *text, size_t bytes, int columns, bool utf8);

/* "0.42", "12.3", "999", "12.3k", "4.56M": three digits, at most five characters up to 999T. */
void report_si(char text[static 16], double value);

/* "0:12", "12:34", "1:02:03", "3d 04h"; "-:--" for a time nobody knows (negative or not finite). */
void report_clock(char text[static 32], double seconds);

/* The shortest decimal that reads back as this double, in any locale; integers below 2^53 as such. */
void report_exact(char text[static 32], double value);

#endif
