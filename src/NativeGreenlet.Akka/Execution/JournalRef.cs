using Akka.Actor;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Takes the answers of a journal for a task that waits for them.</summary>
internal sealed class JournalRef : MinimalActorRef, IDisposable
{
    private readonly GreenQueue<object> _answers = new();

    private JournalRef(IActorRefProvider provider)
    {
        Provider = provider;
        Path = provider.TempPath();
    }

    /// <inheritdoc />
    public override ActorPath Path { get; }

    /// <inheritdoc />
    public override IActorRefProvider Provider { get; }

    /// <summary>Creates one that the system knows.</summary>
    public static JournalRef Register(IActorRef journal)
    {
        IActorRefProvider provider = ((IInternalActorRef)journal).Provider;
        JournalRef created = new(provider);
        provider.RegisterTempActor(created, created.Path);
        return created;
    }

    /// <summary>Parks until there is an answer; null if there is none in time.</summary>
    public object? Take(TimeSpan timeout) => _answers.TryGet(timeout, out object? answer) ? answer : null;

    /// <summary>Takes it out of the system.</summary>
    public void Dispose() => Provider.UnregisterTempActor(Path);

    /// <inheritdoc />
    protected override void TellInternal(object message, IActorRef sender) => _answers.Put(message);
}
