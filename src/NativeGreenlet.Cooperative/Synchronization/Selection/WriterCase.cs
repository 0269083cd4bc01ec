using System.Threading.Channels;

namespace NativeGreenlet.Cooperative.Synchronization.Selection;

/// <summary>Writes to a channel of .NET.</summary>
internal sealed class WriterCase<T>(ChannelWriter<T> writer, T item, Action? then) : SelectCase
{
    private readonly PossibleLink _link = new();

    public override object Object => writer;

    public override bool IsExternal => true;

    public override bool TryTake() =>
        writer.TryWrite(item) ? !(IsClosed = false) : IsClosed = _link.IsOverNow(writer.WaitToWriteAsync);

    public override bool TryLink() => _link.TryLink(writer.WaitToWriteAsync, Node);

    public override void Unlink() => _link.Unlink();

    public override void CallThen()
    {
        if (IsClosed)
        {
            ThrowClosed(_link.Error);
        }

        then?.Invoke();
    }
}
