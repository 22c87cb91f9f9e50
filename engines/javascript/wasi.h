// Included before the files of QuickJS, which checks the depth of its stack on every system but WASI. There, as
// elsewhere, a recursion without an end has to be an error of the program, so QuickJS is not told. The header
// of the C library that insists on WASI is read before.
#include <wasi/api.h>
#undef __wasi__
