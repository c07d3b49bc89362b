/* Stands in for two devices of the kernel, /dev/udmabuf and /dev/dma_heap/…, which give out memory
 * that a camera and a program share. A machine that builds software has neither; a memory file
 * serves as well where no hardware writes into it. Preloaded (LD_PRELOAD) by chroot.sh; both paths
 * must exist there as files that can be opened.
 *
 * Numbers and structs: linux/udmabuf.h, linux/dma-heap.h, linux/dma-buf.h. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/udmabuf.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int allocate(struct dma_heap_allocation_data *wanted)
{
	int memory = memfd_create("dma_heap", MFD_CLOEXEC);

	if (memory < 0 || ftruncate(memory, wanted->len))
		return -1;
	wanted->fd = memory;
	return 0;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	va_start(arguments, request);
	void *argument = va_arg(arguments, void *);
	va_end(arguments);

	if (request == UDMABUF_CREATE)
		return dup(((struct udmabuf_create *)argument)->memfd);
	if (request == DMA_HEAP_IOCTL_ALLOC)
		return allocate(argument);
	if (_IOC_TYPE(request) == DMA_BUF_BASE)
		return 0; /* caches, kept in step for the hardware that is not there */

	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	return real(fd, request, argument);
}
