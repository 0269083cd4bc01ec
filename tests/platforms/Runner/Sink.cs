using Xunit.Sdk;

namespace NativeGreenlet.Runner;

/// <summary>Hears what xunit has to say.</summary>
internal sealed class Sink(Action<IMessageSinkMessage> hear) : IMessageSink
{
    public bool OnMessage(IMessageSinkMessage message)
    {
        hear(message);
        return true;
    }
}
