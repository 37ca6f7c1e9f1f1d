/* Stands in for libgupnp-igd, which libnice loads to open ports of home routers.
 *
 * Debian 12's whip-client is linked with libsoup 2.4, while its libnice loads
 * libgupnp-igd and with it libsoup 3, which aborts a process that has both. The
 * test needs no router; with this in LD_LIBRARY_PATH libsoup 3 is not loaded.
 */
extern void *g_object_new(unsigned long type, const char *first, ...);

#define OBJECT (20 << 2) /* G_TYPE_OBJECT */

unsigned long gupnp_simple_igd_get_type(void) { return OBJECT; }
void *gupnp_simple_igd_thread_new(void) { return g_object_new(OBJECT, (void *)0); }
void gupnp_simple_igd_add_port(void) {}
void gupnp_simple_igd_remove_port_local(void) {}
