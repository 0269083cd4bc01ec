namespace NativeGreenlet.Cooperative.IO.Transport;

/// <summary>How an operation of a transport ended.</summary>
internal enum TransportStatus
{
    /// <summary>The operation succeeded.</summary>
    Done,

    /// <summary>The operation was not begun: the socket was handed out, so it is for the <see cref="AsyncTransport"/>.</summary>
    HandedOver,

    /// <summary>The deadline came first.</summary>
    TimedOut,

    /// <summary>The operation failed.</summary>
    Failed,
}
