/* What Debian's wasi-libc of 2022 lacks and the published SDK's dependencies link against: each
   answers "not supported". */
#define ERRNO 52
#define STUB(name) int name(void) { return ERRNO; }
STUB(pthread_create) STUB(pthread_detach) STUB(pthread_join) STUB(pthread_attr_init)
STUB(pthread_attr_setstacksize) STUB(pthread_attr_destroy) STUB(socket) STUB(connect)
STUB(getaddrinfo)
void freeaddrinfo(void) {}
const char *gai_strerror(int code) { return "unsupported"; }
