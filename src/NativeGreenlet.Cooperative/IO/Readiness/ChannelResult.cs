namespace NativeGreenlet.Cooperative.IO.Readiness;

/// <summary>How an operation on a <see cref="SocketChannel"/> ended. No exceptions: one that comes out of it was thrown at the
/// task, and is not the socket's.</summary>
internal enum ChannelResult
{
    /// <summary>It was done.</summary>
    Done,

    /// <summary>It was not begun: others can reach the socket, so it is for .NET's operations.</summary>
    Released,

    /// <summary>The time is up.</summary>
    TimedOut,

    /// <summary>The system refused it.</summary>
    Failed,
}
