/* What Debian's wasi-libc of 2022 lacks and the published SDKs' dependencies link against: each
   answers "not supported", or has nothing to do. */
#define ERRNO 52
#define STUB(name) int name(void) { return ERRNO; }
STUB(pthread_create) STUB(pthread_detach) STUB(pthread_join) STUB(pthread_attr_init)
STUB(pthread_attr_setstacksize) STUB(pthread_attr_destroy) STUB(socket) STUB(connect)
STUB(getaddrinfo)
void freeaddrinfo(void) {}
const char *gai_strerror(int code) { return "unsupported"; }
void __wasilibc_reset_preopens(void) {}
