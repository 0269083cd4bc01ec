using Akka.Actor;
using Akka.Dispatch.SysMsg;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Takes the answer to a question, and wakes the task that waits for it without a thread between them.</summary>
/// <remarks>It has a path from the moment on at which somebody asks for that, a message to another process for example. Answers of actors
/// in this one need none.</remarks>
/// <typeparam name="T">The type of the answer.</typeparam>
internal sealed class AskedRef<T> : FutureActorRef<T>
{
    private readonly Task<T> _answer; // and the lock of the path
    private readonly GreenSignal _isAnswered = new();
    private ActorPath? _path;
    private bool _isOver;

    public AskedRef(TaskCompletionSource<T> answer, IActorRefProvider provider)
        : base(answer, null!, provider) => _answer = answer.Task;

    /// <summary>Gets its path, and makes it known to the actor system.</summary>
    public override ActorPath Path => Volatile.Read(ref _path) ?? Register();

    /// <summary>Parks until there is an answer.</summary>
    /// <returns>False if the time is up.</returns>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken) => _isAnswered.Wait(timeout, cancellationToken);

    /// <summary>The question is over: nobody finds it by its path any more.</summary>
    public void End()
    {
        lock (_answer)
        {
            _isOver = true;
            if (_path is { } path)
            {
                Provider.UnregisterTempActor(path);
            }
        }
    }

    /// <inheritdoc />
    public override void SendSystemMessage(ISystemMessage message)
    {
        base.SendSystemMessage(message);
        WakeIfAnswered();
    }

    /// <inheritdoc />
    protected override void TellInternal(object message, IActorRef sender)
    {
        base.TellInternal(message, sender);
        WakeIfAnswered();
    }

    private ActorPath Register()
    {
        lock (_answer)
        {
            if (_path is { } known)
            {
                return known;
            }

            ActorPath path = Provider.TempPath();
            if (!_isOver)
            {
                Provider.RegisterTempActor(this, path);
            }

            Volatile.Write(ref _path, path);
            return path;
        }
    }

    private void WakeIfAnswered()
    {
        if (_answer.IsCompleted)
        {
            _isAnswered.Set();
        }
    }
}
