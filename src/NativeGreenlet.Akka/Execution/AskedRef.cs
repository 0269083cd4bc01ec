using Akka.Actor;
using Akka.Dispatch.SysMsg;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Takes the answer to a question, and wakes the task that waits for it without a thread between them.</summary>
/// <typeparam name="T">The type of the answer.</typeparam>
internal sealed class AskedRef<T> : FutureActorRef<T>
{
    private readonly Task<T> _answer;
    private readonly GreenEvent _isAnswered = new();

    public AskedRef(TaskCompletionSource<T> answer, IActorRefProvider provider)
        : base(answer, provider.TempPath(), provider) => _answer = answer.Task;

    /// <summary>Parks until there is an answer.</summary>
    /// <returns>False if the time is up.</returns>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken) => _isAnswered.Wait(timeout, cancellationToken);

    /// <inheritdoc />
    public override void SendSystemMessage(ISystemMessage message)
    {
        base.SendSystemMessage(message);
        TellIfAnswered();
    }

    /// <inheritdoc />
    protected override void TellInternal(object message, IActorRef sender)
    {
        base.TellInternal(message, sender);
        TellIfAnswered();
    }

    private void TellIfAnswered()
    {
        if (_answer.IsCompleted)
        {
            _isAnswered.Set();
        }
    }
}
