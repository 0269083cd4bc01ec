using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Waits for a pulse. There is none before the wait.</summary>
internal sealed class ConditionCase(GreenCondition condition, Action? then) : SelectCase
{
    public override object Object => condition;

    public GreenCondition Condition => condition;

    public override bool TryTake()
    {
        ((IShared)condition).Room.Touch();
        return false;
    }

    public override bool TryLink()
    {
        condition.Link(Node);
        return true;
    }

    public override void Unlink() => condition.Unlink(Node);

    public override bool TryRedeem() => true;

    public override void HandOn() => condition.Pulse();

    public override void CallThen() => then?.Invoke();
}
