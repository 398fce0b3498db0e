#pragma once
#include <microhttpd.h>

/* MHD_start_daemon and MHD_get_daemon_info are variadic, which Swift cannot call. */
static inline struct MHD_Daemon *hakaru_mhd_start(int fd, unsigned connections, unsigned timeout,
                                                  MHD_AccessHandlerCallback handler, void *context,
                                                  MHD_RequestCompletedCallback completed) {
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler, context,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, connections,
                            MHD_OPTION_CONNECTION_TIMEOUT, timeout, MHD_OPTION_NOTIFY_COMPLETED, completed,
                            context, MHD_OPTION_END);
}
static inline int hakaru_mhd_epoll_fd(struct MHD_Daemon *d) {
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD);
    return i ? i->epoll_fd : -1;
}
