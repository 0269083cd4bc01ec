using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>
/// How the tasks of hubs use a socket: <see cref="ReadinessTransport"/> or <see cref="AsyncTransport"/>. A
/// <see cref="Connection"/> has one at a time, and sees to it that one task at a time uses each direction of it.
/// </summary>
/// <remarks>Deadlines are times of <see cref="HubClock"/>.</remarks>
internal abstract class SocketTransport
{
    /// <summary>Receives the bytes that have come; parks until some have.</summary>
    /// <param name="buffer">Gets the bytes.</param>
    /// <param name="flags">How to receive them.</param>
    /// <param name="deadline">When to give up.</param>
    public abstract TransportResult Receive(Span<byte> buffer, SocketFlags flags, long deadline);

    /// <summary>Sends all bytes; parks whenever the socket takes no more.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <param name="flags">How to send them.</param>
    /// <param name="deadline">When to give up.</param>
    /// <exception cref="IOException">An earlier send was given up in the middle.</exception>
    public abstract TransportResult Send(ReadOnlySpan<byte> buffer, SocketFlags flags, long deadline);

    /// <summary>Connects; parks until that is over.</summary>
    /// <param name="endPoint">The address.</param>
    /// <param name="deadline">When to give up.</param>
    public abstract TransportResult Connect(EndPoint endPoint, long deadline);

    /// <summary>Parks until there is something to receive, and receives nothing.</summary>
    /// <param name="deadline">When to give up.</param>
    public abstract TransportResult WaitReadable(long deadline);
}
