namespace NativeGreenlet.Cooperative;

/// <summary>Both directions of a socket that .NET's operations use, for it and for its stream: each is made when it is first
/// needed.</summary>
internal sealed class PendingOperations
{
    private PendingOperation? _reading;
    private PendingOperation? _writing;
    private Turn? _readingTurn;
    private Turn? _writingTurn;

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
}
