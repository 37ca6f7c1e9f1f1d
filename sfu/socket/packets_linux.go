package socket

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct of that name (recvmmsg(2)): a message, and how
// many bytes of it came.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

// packets are the buffers of one batch and all that the kernel must be told
// about them, set up once. The pointers in it are ordinary ones to its own parts,
// so the garbage collector needs no help; it must be on the heap and not copied.
//
// The system calls are raw ones, without a word to Go's scheduler: with
// MSG_DONTWAIT none of them blocks, and an announced one wakes the scheduler's
// monitor thread whenever the process was idle, which for a server with little
// to do is with every call. What it costs is that the garbage collector may have
// to wait for a full batch, about 0.2 ms (BenchmarkSend).
type packets struct {
	headers [BatchSize]mmsghdr
	vectors [BatchSize]unix.Iovec
	names   [BatchSize]sockaddr
	data    [BatchSize][slotSize]byte
	used    int // headers that the last receive wrote to
}

func newPackets() *packets {
	p := &packets{}

	for i := range p.headers {
		p.vectors[i].Base = &p.data[i][0]
		p.vectors[i].SetLen(MaxDatagram)

		header := &p.headers[i].header
		header.Name = &p.names[i][0]
		header.Namelen = uint32(len(p.names[i]))
		header.Iov = &p.vectors[i]
		header.SetIovlen(1)
	}

	return p
}

// receive takes what is there. Fewer than BatchSize are all that there were, or
// all before an error, which the kernel keeps for the next call.
func (p *packets) receive(fd int) (int, syscall.Errno) {
	for i := range p.used { // the kernel wrote the length it needed
		p.headers[i].header.Namelen = uint32(len(p.names[i]))
	}

	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&p.headers[0])), //nolint:gosec // the pattern of unsafe.Pointer for system calls
		BatchSize, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		p.used = 0

		return 0, errno
	}

	p.used = int(n)

	return p.used, 0
}

// send gives the kernel the packets from begin to end and returns how many it
// took; with an error none.
func (p *packets) send(fd, begin, end int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, uintptr(fd),
		uintptr(unsafe.Pointer(&p.headers[begin])), //nolint:gosec // the pattern of unsafe.Pointer for system calls
		uintptr(end-begin), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}

	return int(n), 0
}

// sendOne gives the kernel one datagram, from anywhere.
func sendOne(fd int, data []byte, name *sockaddr, nameLength uint32) syscall.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(data))), //nolint:gosec // the pattern of unsafe.Pointer for system calls
		uintptr(len(data)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL,
		uintptr(unsafe.Pointer(name)), //nolint:gosec // the pattern of unsafe.Pointer for system calls
		uintptr(nameLength))

	return errno
}
