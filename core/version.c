#include <trireme/base.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *tr_version(void) { return TEXT(TR_VERSION_MAJOR) "." TEXT(TR_VERSION_MINOR) "." TEXT(TR_VERSION_PATCH); }
