using Xunit;
using Xunit.Abstractions;

namespace NativeGreenlet.Runner;

/// <summary>Hears what xunit has to say, and ends with <typeparamref name="TLast"/>.</summary>
internal sealed class Sink<TLast>(Action<IMessageSinkMessage> hear) : LongLivedMarshalByRefObject, IMessageSink, IDisposable
    where TLast : IMessageSinkMessage
{
    private readonly ManualResetEvent _ended = new(initialState: false);

    public bool OnMessage(IMessageSinkMessage message)
    {
        hear(message);
        if (message is TLast)
        {
            _ = _ended.Set();
        }

        return true;
    }

    public void Wait() => _ended.WaitOne();

    public void Dispose() => _ended.Dispose();
}
