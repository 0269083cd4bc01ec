namespace NativeGreenlet.Fuzz.Execution;

/// <summary>What an event of a log says.</summary>
internal enum Mark
{
    Enter,
    Leave,
    Resumed,
    Caught,
    Filtered,
    Cleanup,
    Thrown,
    Begun,
    Ended,
    Swallowed,
    Drained,
    Refused,
}
