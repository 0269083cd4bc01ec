using Akka.Actor;
using NativeGreenlet.Akka;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Engines.Akka;

/// <summary>Answers questions.</summary>
internal sealed class Store : ReceiveActor
{
    public Store() => Receive<Question>(_ => Sender.Tell(Answer.Instance));
}

internal sealed class Question
{
    public static readonly Question Instance = new();
}

internal sealed class Answer
{
    public static readonly Answer Instance = new();
}

/// <summary>Handlers in blocking style, on hubs.</summary>
internal sealed class GreenWorker : GreenReceiveActor
{
    public GreenWorker(string wait, IActorRef store)
    {
        switch (wait)
        {
            case "ask":
                ReceiveGreen<Work>(work =>
                {
                    store.AskGreen<Answer>(Question.Instance);
                    work.End();
                });
                break;

            case "delay":
                ReceiveGreen<Work>(work =>
                {
                    Hub.Await(Task.Delay(1));
                    work.End();
                });
                break;

            case "yield":
                ReceiveGreen<Work>(work =>
                {
                    Hub.Yield();
                    work.End();
                });
                break;

            default:
                ReceiveGreen<Work>(work => work.End());
                break;
        }
    }
}

/// <summary>Handlers in blocking style on hubs that use Akka's own Ask.</summary>
internal sealed class GreenTaskWorker : GreenReceiveActor
{
    public GreenTaskWorker(IActorRef store) => ReceiveGreen<Work>(work =>
    {
        Hub.Await(store.Ask<Answer>(Question.Instance));
        work.End();
    });
}

/// <summary>Asynchronous handlers.</summary>
internal sealed class AsyncWorker : ReceiveActor
{
    public AsyncWorker(string wait, IActorRef store)
    {
        switch (wait)
        {
            case "ask":
                ReceiveAsync<Work>(async work =>
                {
                    await store.Ask<Answer>(Question.Instance);
                    work.End();
                });
                break;

            case "delay":
                ReceiveAsync<Work>(async work =>
                {
                    await Task.Delay(1);
                    work.End();
                });
                break;

            case "yield":
                ReceiveAsync<Work>(async work =>
                {
                    await Task.Yield();
                    work.End();
                });
                break;

            default:
                ReceiveAsync<Work>(work =>
                {
                    work.End();
                    return Task.CompletedTask;
                });
                break;
        }
    }
}

/// <summary>Handlers that block the thread.</summary>
internal sealed class BlockingWorker : ReceiveActor
{
    public BlockingWorker(string wait, IActorRef store)
    {
        switch (wait)
        {
            case "ask":
                Receive<Work>(work =>
                {
                    store.Ask<Answer>(Question.Instance).Wait();
                    work.End();
                });
                break;

            case "delay":
                Receive<Work>(work =>
                {
                    Thread.Sleep(1);
                    work.End();
                });
                break;

            case "yield":
                Receive<Work>(work =>
                {
                    Thread.Yield();
                    work.End();
                });
                break;

            default:
                Receive<Work>(work => work.End());
                break;
        }
    }
}
