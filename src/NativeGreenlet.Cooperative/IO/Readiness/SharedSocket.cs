using System.Net.Sockets;
using System.Runtime.CompilerServices;
using NativeGreenlet.Cooperative.Hubs;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>
/// Waits by the <see cref="Poller"/> of the caller's hub for data of a socket that others can reach, too: then a call of .NET that would
/// block does not. So no other thread is between the network and the task.
/// </summary>
/// <remarks>Whoever closes the socket tells nobody here, so a wait looks again from time to time. A wait that is given up has begun
/// nothing.</remarks>
internal sealed class SharedSocket
{
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(250);
    private static readonly ConditionalWeakTable<Socket, SharedSocket> s_known = [];

    private readonly SafeSocketHandle _handle;
    private readonly SocketReadiness _readiness = new();

    private SharedSocket(Socket socket)
    {
        _handle = socket.SafeHandle;
    }

    // The socket was forgotten: a poller need not know it any more.
    ~SharedSocket() => _readiness.Release(_handle);

    /// <summary>Parks until a socket has data, has come to its end, or has failed: until receiving would not wait.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="timeout">How long at most.</param>
    /// <returns>Whether it has; null if that cannot be waited for so: the hub has no poller, or another time than the system's, or another task waits
    /// for data of the socket.</returns>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public static bool? WaitForData(Socket socket, TimeSpan timeout)
    {
        if (HubLoop.OfThisThreadOrNull is not { Clock.IsSystem: true } || !Poller.IsSupported || socket.SocketType != SocketType.Stream)
        {
            return null;
        }

        SharedSocket shared = s_known.GetValue(socket, static socket => new SharedSocket(socket));
        long due = HubClock.After(timeout);
        while (!socket.Poll(0, SelectMode.SelectRead))
        {
            long now = HubClock.Now;
            if (now >= due)
            {
                return false;
            }

            if (shared._readiness.Wait(shared._handle, shared._readiness.Receiving, "a read", Math.Min(due, now + s_longestPause.Ticks)) == WaitResult.Impossible)
            {
                return null;
            }
        }

        return true;
    }
}
