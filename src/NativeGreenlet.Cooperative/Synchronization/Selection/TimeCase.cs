namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Ends the wait after a time.</summary>
internal sealed class TimeCase(TimeSpan timeout, Action? then) : UnlinkedCase(then)
{
    public override object Object => Hub.SleepText;

    public TimeSpan Timeout => timeout;
}
