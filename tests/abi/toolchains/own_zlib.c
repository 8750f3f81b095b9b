/* A library that a plugin bundles: two of zlib's names, and none of its code. The server has the real one in the process. */
const char *zlibVersion(void);
int deflate(void *stream, int flush);

const char *zlibVersion(void) { return "of the plugin's own"; }

int deflate(void *stream, int flush) {
  (void)stream;
  return flush + 40;
}
