/* The page of the benchmarks for uWSGI's symcall plugin: the generation that the file `generation` names when a worker
 * starts, after 20 ms where the path is /slow. The declarations are those of uwsgi.h, which no package for this has. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct wsgi_request;
int uwsgi_parse_vars(struct wsgi_request* request);
char* uwsgi_get_var(struct wsgi_request* request, char* name, uint16_t name_size, uint16_t* size);
int uwsgi_response_prepare_headers(struct wsgi_request* request, char* status, uint16_t size);
int uwsgi_response_add_header(struct wsgi_request* request, char* name, uint16_t name_size, char* value, uint16_t size);
int uwsgi_response_write_body_do(struct wsgi_request* request, char* body, size_t size);

static char page[64] = "generation 0\n";

/* --symcall-post-fork: in each worker. */
void pages_create(void) {
  FILE* file = fopen("generation", "r");
  if (file == NULL) return;
  int generation = 0;
  if (fscanf(file, "%d", &generation) == 1) snprintf(page, sizeof page, "generation %d\n", generation);
  fclose(file);
}

/* --symcall */
int pages_produce(struct wsgi_request* request) {
  if (uwsgi_parse_vars(request) != 0) return -1;
  uint16_t size = 0;
  const char* path = uwsgi_get_var(request, "PATH_INFO", 9, &size);
  if (path != NULL && size == 5 && memcmp(path, "/slow", 5) == 0) usleep(20000);
  uwsgi_response_prepare_headers(request, "200 OK", 6);
  uwsgi_response_add_header(request, "Content-Type", 12, "text/plain", 10);
  uwsgi_response_write_body_do(request, page, strlen(page));
  return 0; /* UWSGI_OK */
}
