/*
 * The kernel's side of a software token, for /etc/ld.so.preload: /dev/hidrawN is the socket /run/hidrawN, where there is
 * one, and udev lists it.
 *
 * A socket of packets takes and gives reports as the device does, and can be waited for like it. What differs is done
 * here: it is opened by connecting, looks like a character device, can be locked (by a file beside the socket), has a
 * report descriptor (hidraw.rst of the kernel), and writing to a token that is gone raises no signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/hidraw.h>
#include <linux/input.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define TOKENS 4
#define DESCRIPTORS 1024

/* CTAP 2.1, section 11.2.8.1: usage page 0xF1D0, reports of 64 bytes both ways. */
static const unsigned char descriptor[] = {0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26,
                                           0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00,
                                           0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91, 0x02, 0xc0};

/* The descriptor of the lock for each one that is a token's; 0 where it is none's. */
static int lock_of[DESCRIPTORS];

static int is_token(int fd)
{
    return fd >= 0 && fd < DESCRIPTORS && lock_of[fd];
}

static int open_token(const char *name, int flags)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char path[64];
    snprintf(at.sun_path, sizeof at.sun_path, "/run/%s", name);
    snprintf(path, sizeof path, "/run/%s.lock", name);
    int nonblocking = flags & O_NONBLOCK ? SOCK_NONBLOCK : 0;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | nonblocking, 0);
    int lock = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fd < DESCRIPTORS && lock > 0 && !connect(fd, (struct sockaddr *)&at, sizeof at)) {
        lock_of[fd] = lock;
        return fd;
    }
    syscall(SYS_close, lock);
    syscall(SYS_close, fd);
    errno = ENOENT;
    return -1;
}

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | O_TMPFILE)) {
        va_list more;
        va_start(more, flags);
        mode = va_arg(more, mode_t);
        va_end(more);
    }
    if (!strncmp(path, "/dev/hidraw", 11))
        return open_token(path + 5, flags);
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
    if (is_token(fd)) {
        syscall(SYS_close, lock_of[fd]);
        lock_of[fd] = 0;
    }
    return (int)syscall(SYS_close, fd);
}

int flock(int fd, int operation)
{
    return (int)syscall(SYS_flock, is_token(fd) ? lock_of[fd] : fd, operation);
}

int fstat(int fd, struct stat *is)
{
    int result = fstatat(fd, "", is, AT_EMPTY_PATH);
    if (!result && is_token(fd))
        is->st_mode = S_IFCHR | 0666;
    return result;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    if (!is_token(fd))
        return syscall(SYS_write, fd, bytes, length);
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0)
        errno = ENODEV;
    return sent;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list more;
    va_start(more, request);
    void *argument = va_arg(more, void *);
    va_end(more);
    if (!is_token(fd))
        return (int)syscall(SYS_ioctl, fd, request, argument);
    struct hidraw_report_descriptor *report = argument;
    switch (request) {
    case HIDIOCGRDESCSIZE:
        *(int *)argument = sizeof descriptor;
        return 0;
    case HIDIOCGRDESC:
        memcpy(report->value, descriptor, sizeof descriptor);
        return 0;
    case HIDIOCGRAWINFO:
        *(struct hidraw_devinfo *)argument = (struct hidraw_devinfo){BUS_USB, 0x1209, 0x0001};
        return 0;
    default:
        errno = EINVAL;
        return -1;
    }
}

/* What libfido2 asks of libudev. A token's entry in the list is also its device and that one's parents. */
struct udev_list_entry {
    char path[32], node[32];
    struct udev_list_entry *next;
};

static struct udev_list_entry tokens[TOKENS];

struct udev_enumerate {
    int hidraw;
};

void *udev_new(void)
{
    return tokens;
}

void *udev_unref(void *udev)
{
    (void)udev;
    return NULL;
}

struct udev_enumerate *udev_enumerate_new(void *udev)
{
    (void)udev;
    return calloc(1, sizeof(struct udev_enumerate));
}

void *udev_enumerate_unref(struct udev_enumerate *enumerate)
{
    free(enumerate);
    return NULL;
}

int udev_enumerate_add_match_subsystem(struct udev_enumerate *enumerate, const char *subsystem)
{
    enumerate->hidraw = !strcmp(subsystem, "hidraw");
    return 0;
}

int udev_enumerate_scan_devices(struct udev_enumerate *enumerate)
{
    (void)enumerate;
    return 0;
}

struct udev_list_entry *udev_enumerate_get_list_entry(struct udev_enumerate *enumerate)
{
    struct udev_list_entry *first = NULL;
    for (int i = TOKENS - 1; enumerate->hidraw && i >= 0; i--) {
        char socket[32];
        snprintf(socket, sizeof socket, "/run/hidraw%d", i);
        if (access(socket, F_OK))
            continue;
        snprintf(tokens[i].path, sizeof tokens[i].path, "/sys/class/hidraw/hidraw%d", i);
        snprintf(tokens[i].node, sizeof tokens[i].node, "/dev/hidraw%d", i);
        tokens[i].next = first;
        first = &tokens[i];
    }
    return first;
}

struct udev_list_entry *udev_list_entry_get_next(struct udev_list_entry *entry)
{
    return entry->next;
}

const char *udev_list_entry_get_name(struct udev_list_entry *entry)
{
    return entry->path;
}

struct udev_list_entry *udev_device_new_from_syspath(void *udev, const char *path)
{
    (void)udev;
    for (int i = 0; i < TOKENS; i++)
        if (!strcmp(tokens[i].path, path))
            return &tokens[i];
    return NULL;
}

void *udev_device_unref(void *device)
{
    (void)device;
    return NULL;
}

const char *udev_device_get_devnode(struct udev_list_entry *device)
{
    return device->node;
}

void *udev_device_get_parent_with_subsystem_devtype(void *device, const char *subsystem, const char *kind)
{
    (void)subsystem, (void)kind;
    return device;
}

const char *udev_device_get_sysattr_value(void *device, const char *name)
{
    (void)device;
    if (!strcmp(name, "uevent"))
        return "HID_ID=0003:00001209:00000001\nHID_NAME=pam_mfa software token\n";
    if (!strcmp(name, "manufacturer"))
        return "pam_mfa";
    return strcmp(name, "product") ? NULL : "software token";
}

const char *udev_device_get_sysnum(struct udev_list_entry *device)
{
    return device->node + sizeof "/dev/hidraw" - 1;
}
