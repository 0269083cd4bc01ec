namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Is taken if nothing else is ready.</summary>
internal sealed class DefaultCase(Action? then) : UnlinkedCase(then)
{
    public override object Object => "nothing";
}
