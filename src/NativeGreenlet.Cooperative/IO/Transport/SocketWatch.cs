using System.Net.Sockets;
using NativeGreenlet.Cooperative.IO.Readiness;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// Waits until a socket is ready, without any operation of .NET: so a wait that is given up leaves nothing in the queue of the
/// socket. For sockets that others can reach, which use .NET's operations otherwise.
/// </summary>
/// <remarks>The poller of the hub tells, or else it looks now and then. Nobody tells when others close the socket: so it looks for
/// that, too.</remarks>
internal static class SocketWatch
{
    private static readonly TimeSpan s_smallestPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_largestPause = TimeSpan.FromMilliseconds(64);

    /// <summary>Whether .NET keeps an operation that was cancelled in the queue of its socket, until something happens to the
    /// socket: 350 bytes or more each.</summary>
    public static bool KeepsCancelled { get; } = !OperatingSystem.IsWindows();

    /// <summary>Parks until the socket is ready. One task at a time, in each direction.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="mode">For what.</param>
    /// <param name="what">The operation, with its article.</param>
    /// <param name="deadline">When to give up, by <see cref="HubClock"/>.</param>
    /// <returns>False if the deadline came first.</returns>
    /// <exception cref="ObjectDisposedException">The socket was closed.</exception>
    public static bool Wait(Socket socket, SelectMode mode, string what, long deadline)
    {
        SafeSocketHandle handle = socket.SafeHandle;
        SocketReadiness readiness = new();
        SocketDirection direction = mode == SelectMode.SelectRead ? readiness.Receiving : readiness.Sending;
        TimeSpan pause = s_smallestPause;
        try
        {
            while (!socket.Poll(0, mode))
            {
                if (HubClock.Now >= deadline)
                {
                    return false;
                }

                if (readiness.Wait(handle, direction, what, Math.Min(deadline, HubClock.After(s_largestPause))) == WaitResult.Impossible)
                {
                    Hub.Sleep(TimeSpan.FromTicks(Math.Min(pause.Ticks, Math.Max(1, deadline - HubClock.Now))));
                    pause = pause < s_largestPause ? pause * 2 : pause;
                }
            }

            return true;
        }
        finally
        {
            readiness.Release(handle);
        }
    }
}
