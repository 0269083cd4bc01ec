using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace NativeGreenlet.Cooperative.Tests.Infrastructure;

/// <summary>File descriptors that are sent along with bytes, which .NET itself does not offer. Linux, 64 bits.</summary>
internal static unsafe partial class Descriptors
{
    private const int SocketLevel = 1; // SOL_SOCKET
    private const int Rights = 1; // SCM_RIGHTS
    private const int ControlSize = sizeof(long) + (2 * sizeof(int)) + sizeof(int); // CMSG_LEN of one descriptor

    /// <summary>Sends bytes and a descriptor. The receiver's system makes a bound after them.</summary>
    public static void Send(Socket socket, ReadOnlySpan<byte> bytes, SafeHandle descriptor)
    {
        byte* control = stackalloc byte[ControlSize + sizeof(int)]; // and CMSG_SPACE is rounded up
        *(long*)control = ControlSize;
        ((int*)control)[2] = SocketLevel;
        ((int*)control)[3] = Rights;
        ((int*)control)[4] = (int)descriptor.DangerousGetHandle();
        fixed (byte* start = bytes)
        {
            Part part = new() { Start = start, Length = bytes.Length };
            Message message = new() { Parts = &part, PartCount = 1, Control = control, ControlLength = ControlSize + sizeof(int) };
            Assert.Equal(bytes.Length, SendMessage(socket.SafeHandle, &message, 0));
        }
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint SendMessage(SafeSocketHandle socket, Message* message, int flags);

    // struct iovec
    private struct Part
    {
        public byte* Start;
        public nint Length;
    }

    // struct msghdr
    private struct Message
    {
        public void* Name;
        public long NameLength;
        public Part* Parts;
        public nint PartCount;
        public byte* Control;
        public nint ControlLength;
        public long Flags;
    }
}
