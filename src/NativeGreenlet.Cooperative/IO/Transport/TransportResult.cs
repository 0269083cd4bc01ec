using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using NativeGreenlet.Cooperative.Interop;

namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>The result of an operation of a transport. A failure of the operation is part of it, and is not thrown: an exception
/// that leaves a transport was thrown at the task that waited, by a kill, for example.</summary>
internal readonly struct TransportResult
{
    private TransportResult(TransportStatus status, int count, ExceptionDispatchInfo? error)
    {
        Status = status;
        Count = count;
        Error = error;
    }

    /// <summary>The operation was not begun: <see cref="TransportStatus.HandedOver"/>.</summary>
    public static TransportResult HandedOver => new(TransportStatus.HandedOver, 0, null);

    /// <summary>The deadline came first: <see cref="TransportStatus.TimedOut"/>.</summary>
    public static TransportResult TimedOut => new(TransportStatus.TimedOut, 0, null);

    /// <summary>How the operation ended.</summary>
    public TransportStatus Status { get; }

    /// <summary>The number of bytes, if it succeeded.</summary>
    public int Count { get; }

    /// <summary>What it threw, if it failed.</summary>
    public ExceptionDispatchInfo? Error { get; }

    /// <summary>The operation succeeded.</summary>
    /// <param name="count">The number of bytes.</param>
    public static TransportResult Done(int count = 0) => new(TransportStatus.Done, count, null);

    /// <summary>The operation failed.</summary>
    /// <param name="exception">What it threw.</param>
    public static TransportResult Failed(Exception exception) => new(TransportStatus.Failed, 0, ExceptionDispatchInfo.Capture(exception));

    /// <summary>The system refused a call.</summary>
    /// <param name="errno">The system's number of the error.</param>
    public static TransportResult Refused(int errno) => Failed(new SocketException((int)Linux.ToSocketError(errno)));

    /// <summary>Throws unless the operation succeeded.</summary>
    /// <param name="what">The operation, with its article: "a read".</param>
    /// <param name="timeout">The span of time that led to the deadline.</param>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="TimeoutException">The deadline came first.</exception>
    /// <exception cref="Exception">The operation failed: what it threw.</exception>
    public int Require(string what, TimeSpan timeout)
    {
        if (Status == TransportStatus.Done)
        {
            return Count;
        }

        Error?.Throw();
        throw TooLate(what, timeout);
    }

    /// <summary>The one exception for what takes too long, on a socket and on a stream.</summary>
    /// <param name="what">The operation, with its article.</param>
    /// <param name="timeout">The span of time that it had.</param>
    public static TimeoutException TooLate(string what, TimeSpan timeout) => new($"It took longer than {timeout} to wait for {what}.");

    /// <summary>What the next write throws after one that was given up.</summary>
    /// <param name="cause">How that ended, if anybody knows.</param>
    public static IOException Incomplete(Exception? cause = null) =>
        new("An earlier write was given up; nobody knows how much of it has been sent.", cause);
}
