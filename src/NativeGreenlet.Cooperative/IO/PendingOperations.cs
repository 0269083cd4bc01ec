using System.Net.Sockets;

namespace NativeGreenlet.Cooperative.IO;

/// <summary>Both directions of a socket that .NET's operations use, for it and for its stream: each is made when it is first
/// needed.</summary>
internal sealed class PendingOperations
{
    private PendingOperation? _reading;
    private PendingOperation? _writing;
    private Turn? _readingTurn;
    private Turn? _writingTurn;

    private TimeSpan? _receiveTimeout;
    private TimeSpan? _sendTimeout;

    /// <summary>The socket once others can reach it, and set its options.</summary>
    public Socket? Shared { get; set; }

    /// <summary>How long a receive by the socket, or a read by its stream, waits at most: what was set here, or else on the
    /// socket itself.</summary>
    public TimeSpan ReceiveTimeout
    {
        get => _receiveTimeout ?? OfOption(Shared?.ReceiveTimeout);
        set => _receiveTimeout = value;
    }

    /// <summary>The same of a send, or a write.</summary>
    public TimeSpan SendTimeout
    {
        get => _sendTimeout ?? OfOption(Shared?.SendTimeout);
        set => _sendTimeout = value;
    }

    public PendingOperation Reading => Of(ref _reading);

    public PendingOperation Writing => Of(ref _writing);

    /// <summary>Of several tasks that receive by the socket.</summary>
    public Turn ReadingTurn => Of(ref _readingTurn);

    /// <summary>Of several that send by it, whose messages stay whole.</summary>
    public Turn WritingTurn => Of(ref _writingTurn);

    /// <summary>Whether there is something that must be read first.</summary>
    public bool HasLeftovers => _reading is { HasLeftovers: true };

    /// <summary>Two that need it at a time for the first time, which one of them is told off for, get the same.</summary>
    public static T Of<T>(ref T? field)
        where T : class, new() => field ?? Interlocked.CompareExchange(ref field, new T(), null) ?? field;

    // On a socket, 0 is no limit.
    private static TimeSpan OfOption(int? milliseconds) => milliseconds is > 0 and var some ? TimeSpan.FromMilliseconds(some) : Timeout.InfiniteTimeSpan;
}
