namespace NativeGreenlet.Scheduling;

/// <summary>When the next shape may be learned. A lesson makes collections, each of which walks all that is linked: so lessons take no more than
/// a part of the time, or make no more than a part of the collections. Where much is parked, collections come often and each takes
/// long: by time alone the lessons that end this would come too late. The first lessons come quickly, for the same reason; one after another, the part becomes
/// smaller.</summary>
internal struct LessonBudget
{
    private const int RestOfTime = 20; // times as long as the lesson
    private const int FirstRestOfCollections = 1; // for each of the lesson's, and twice as many after the next
    private const int RestOfCollections = 4;

    private long _time;
    private long _collection;
    private int _rest; // the last one's, in collections for each

    /// <summary>Whether a shape may be learned.</summary>
    /// <param name="now">The time, in milliseconds.</param>
    /// <param name="collections">Collections so far.</param>
    public readonly bool Allows(long now, long collections) => now >= _time || collections >= _collection;

    /// <summary>Notes a lesson that has just ended.</summary>
    /// <param name="now">The time, in milliseconds.</param>
    /// <param name="collections">Collections so far, with the lesson's.</param>
    /// <param name="took">How long it took.</param>
    /// <param name="made">How many collections there were meanwhile.</param>
    public void Spend(long now, long collections, TimeSpan took, long made)
    {
        _rest = _rest == 0 || now >= _time ? FirstRestOfCollections : Math.Min(_rest * 2, RestOfCollections);
        _time = now + (long)(took.TotalMilliseconds * RestOfTime);
        _collection = collections + (made * _rest);
    }
}
