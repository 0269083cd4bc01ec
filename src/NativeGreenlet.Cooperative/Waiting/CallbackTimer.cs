namespace NativeGreenlet.Cooperative.Waiting;

/// <summary>A timer that calls a delegate.</summary>
internal sealed class CallbackTimer(Action callback) : TimerEntry
{
    public override void Fire() => callback();
}
