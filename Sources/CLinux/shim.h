#pragma once
/* Kernel and glibc interfaces that Swift's Glibc module leaves out. */
#include <fcntl.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/un.h>

/* prctl is variadic, pthread_setname_np needs _GNU_SOURCE: neither reaches Swift. */
static inline void linux_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
/* Declared by glibc only for _GNU_SOURCE. */
int pipe2(int ends[2], int flags);

/* struct ucred and SO_PEERGROUPS need _GNU_SOURCE or kernel headers, which Swift's Glibc leaves out. */
struct HakaruPeer { unsigned uid, gid; int pid; };
static const int hakaru_so_peergroups = 59;
static inline int hakaru_peer_credentials(int fd, struct HakaruPeer *out) {
    struct { int pid; unsigned uid, gid; } credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, 17 /* SO_PEERCRED */, &credentials, &length) != 0) return -1;
    out->uid = credentials.uid, out->gid = credentials.gid, out->pid = credentials.pid;
    return 0;
}

/* sockaddr_nl comes with a kernel header whose socket types Swift does not import. */
static inline int hakaru_bind_netlink(int fd, unsigned groups) {
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    return bind(fd, (struct sockaddr *)&address, sizeof address);
}
