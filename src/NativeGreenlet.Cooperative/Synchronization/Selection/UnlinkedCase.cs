namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>A case that the select itself decides: no object ends the wait by it.</summary>
internal abstract class UnlinkedCase(Action? then) : SelectCase
{
    public override bool TryTake() => false;

    public override bool TryLink() => true;

    public override void Unlink()
    {
    }

    public override void CallThen() => then?.Invoke();
}
