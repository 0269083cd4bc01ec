using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NativeGreenlet.Cooperative.Interop;

/// <summary>What Linux offers to wait for sockets, and to use them without waiting. The numbers are those of all of .NET's
/// processors.</summary>
internal static unsafe partial class Linux
{
    public const int Interrupted = 4; // EINTR
    public const int WouldBlock = 11; // EAGAIN

    public const uint Readable = 0x1; // EPOLLIN
    public const uint Urgent = 0x2; // EPOLLPRI
    public const uint Writable = 0x4; // EPOLLOUT
    public const uint Failed = 0x8; // EPOLLERR, always reported
    public const uint HungUp = 0x10; // EPOLLHUP, always reported
    public const uint PeerEnded = 0x2000; // EPOLLRDHUP
    public const uint EdgeTriggered = 1u << 31; // EPOLLET

    public const int Add = 1; // EPOLL_CTL_ADD
    public const int Remove = 2; // EPOLL_CTL_DEL

    public const int CloseOnExec = 0x80000; // EPOLL_CLOEXEC, EFD_CLOEXEC
    public const int NonBlocking = 0x800; // EFD_NONBLOCK

    public const int DoNotWait = 0x40; // MSG_DONTWAIT
    public const int NoSignal = 0x4000; // MSG_NOSIGNAL

    private const string Library = "libc";

    /// <summary>Where a <c>struct epoll_event</c> has its 64 bits of data: it is packed on x64 alone.</summary>
    public static int EventDataOffset { get; } = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>The size of a <c>struct epoll_event</c>.</summary>
    public static int EventSize => EventDataOffset + sizeof(ulong);

    /// <summary>The number of the calling thread; 0 where it cannot be had.</summary>
    public static int CurrentThreadId
    {
        get
        {
            try
            {
                return OperatingSystem.IsLinux() ? ThreadId() : 0;
            }
            catch (EntryPointNotFoundException)
            {
                return 0; // a C library of before 2019
            }
        }
    }

    [LibraryImport(Library, EntryPoint = "gettid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int ThreadId();

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int EpollControl(SafeFileHandle epoll, int operation, SafeHandle file, byte* change);

    [LibraryImport(Library, EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int EpollWait(SafeFileHandle epoll, byte* events, int count, int milliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int EventFile(uint value, int flags);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Write(SafeFileHandle file, ulong* value, nint size);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Receive(SafeSocketHandle socket, byte* buffer, nint size, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Send(SafeSocketHandle socket, byte* buffer, nint size, int flags);

    /// <summary>What .NET calls an error of a socket.</summary>
    public static SocketError ToSocketError(int error) => error switch
    {
        9 => SocketError.OperationAborted, // EBADF
        12 or 105 => SocketError.NoBufferSpaceAvailable, // ENOMEM, ENOBUFS
        13 or 1 => SocketError.AccessDenied, // EACCES, EPERM
        14 => SocketError.Fault, // EFAULT
        22 => SocketError.InvalidArgument, // EINVAL
        32 => SocketError.Shutdown, // EPIPE
        88 => SocketError.NotSocket, // ENOTSOCK
        89 => SocketError.DestinationAddressRequired, // EDESTADDRREQ
        90 => SocketError.MessageSize, // EMSGSIZE
        95 => SocketError.OperationNotSupported, // EOPNOTSUPP
        100 => SocketError.NetworkDown, // ENETDOWN
        101 => SocketError.NetworkUnreachable, // ENETUNREACH
        102 => SocketError.NetworkReset, // ENETRESET
        103 => SocketError.ConnectionAborted, // ECONNABORTED
        104 => SocketError.ConnectionReset, // ECONNRESET
        106 => SocketError.IsConnected, // EISCONN
        107 => SocketError.NotConnected, // ENOTCONN
        110 => SocketError.TimedOut, // ETIMEDOUT
        111 => SocketError.ConnectionRefused, // ECONNREFUSED
        112 => SocketError.HostDown, // EHOSTDOWN
        113 => SocketError.HostUnreachable, // EHOSTUNREACH
        _ => SocketError.SocketError,
    };
}
