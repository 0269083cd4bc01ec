using System.Threading.Channels;
using NativeGreenlet.Cooperative.Waiting;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Reads from a channel of .NET. That only tells when there may be something: another may read it first.</summary>
internal sealed class ReaderCase<T>(ChannelReader<T> reader, Action<T> then, Action? whenCompleted) : SelectCase<T>(then)
{
    private readonly PossibleLink _link = new();

    public override object Object => reader;

    public override bool IsExternal => true;

    public override bool TryTake() =>
        reader.TryRead(out Item!) ? !(IsClosed = false) : IsClosed = _link.IsOver || (reader.Completion.IsCompleted && _link.End(reader.Completion));

    public override bool TryLink() => _link.TryLink(reader.WaitToReadAsync, Node);

    public override void Unlink() => _link.Unlink();

    public override void CallThen()
    {
        if (IsClosed)
        {
            CallCompleted(whenCompleted, _link.Error);
        }
        else
        {
            base.CallThen();
        }
    }
}
