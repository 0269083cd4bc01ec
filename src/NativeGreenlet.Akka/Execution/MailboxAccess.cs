using System.Reflection;
using Akka.Actor;
using Akka.Actor.Internal;
using Akka.Dispatch;

namespace NativeGreenlet.Akka.Execution;

/// <summary>Lets a mailbox go on while a handler waits inside it, and takes it back: what a mailbox does at the end of its run and a dispatcher
/// before it, which is internal in Akka.</summary>
/// <remarks>A mailbox has a mark that somebody runs it, or is about to. Who has set it owns the mailbox.</remarks>
internal sealed class MailboxAccess
{
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly Lazy<MailboxAccess> s_instance = new(() => Of(typeof(Mailbox), typeof(MessageDispatcher)));
    private static readonly Action<object?> s_resume = static cell => Instance.ResumeHere((ActorCell)cell!);

    private readonly Func<Mailbox, bool> _setAsScheduled;
    private readonly Func<Mailbox, bool> _setAsIdle;
    private readonly Func<Mailbox, bool> _isClosed;
    private readonly Func<MessageDispatcher, Mailbox, bool, bool, bool> _register;
    private readonly Action<MessageDispatcher, ActorCell> _suspend;
    private readonly Action<MessageDispatcher, ActorCell> _resume;

    private MailboxAccess(Type mailbox, Type dispatcher)
    {
        _setAsScheduled = Find<Func<Mailbox, bool>>(mailbox, "SetAsScheduled");
        _setAsIdle = Find<Func<Mailbox, bool>>(mailbox, "SetAsIdle");
        _isClosed = Find<Func<Mailbox, bool>>(mailbox, "IsClosed");
        _register = Find<Func<MessageDispatcher, Mailbox, bool, bool, bool>>(dispatcher, "RegisterForExecution", typeof(Mailbox), typeof(bool), typeof(bool));
        _suspend = Find<Action<MessageDispatcher, ActorCell>>(dispatcher, "Suspend", typeof(ActorCell));
        _resume = Find<Action<MessageDispatcher, ActorCell>>(dispatcher, "Resume", typeof(ActorCell));
    }

    /// <summary>Gets the access, which is looked for once.</summary>
    /// <exception cref="NotSupportedException">This version of Akka does it differently.</exception>
    public static MailboxAccess Instance => s_instance.Value;

    /// <summary>Looks for what has to be called.</summary>
    /// <param name="mailbox">The type of the mailboxes.</param>
    /// <param name="dispatcher">The type of the dispatchers.</param>
    /// <exception cref="NotSupportedException">Something is not there.</exception>
    public static MailboxAccess Of(Type mailbox, Type dispatcher) => new(mailbox, dispatcher);

    /// <summary>No message comes before <see cref="Resume"/>.</summary>
    public void Suspend(ActorCell cell) => _suspend(cell.Dispatcher, cell);

    /// <summary>Messages come again.</summary>
    /// <remarks>Failures of children that came meanwhile are looked for when a system message has resumed the mailbox: then it must be
    /// one.</remarks>
    public void Resume(ActorCell cell)
    {
        if (!cell.GetChildren().Any())
        {
            ResumeHere(cell);
            return;
        }

        ActorCell? current = InternalCurrentActorCellKeeper.Current;
        InternalCurrentActorCellKeeper.Current = null;
        using (ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow())
        {
            _ = Task.Factory.StartNew(s_resume, cell, CancellationToken.None, TaskCreationOptions.DenyChildAttach, cell.TaskScheduler);
        }

        InternalCurrentActorCellKeeper.Current = current;
    }

    /// <summary>As <see cref="Resume"/>, where failures of children are looked for anyway.</summary>
    public void ResumeHere(ActorCell cell) => _resume(cell.Dispatcher, cell);

    /// <summary>Gives the mailbox away: whoever has something for it runs it.</summary>
    public void Leave(Mailbox mailbox, ActorCell cell)
    {
        _setAsIdle(mailbox);
        _register(cell.Dispatcher, mailbox, false, false);
    }

    /// <summary>Takes the mailbox, unless it is run or about to be.</summary>
    public bool TryTake(Mailbox mailbox) => _setAsScheduled(mailbox);

    /// <summary>Whether the actor has ended, so that nobody runs it any more.</summary>
    public bool IsClosed(Mailbox mailbox) => _isClosed(mailbox);

    private static TDelegate Find<TDelegate>(Type type, string name, params Type[] parameters)
        where TDelegate : Delegate
    {
        MethodInfo? method = type.GetMethod(name, Inside, parameters);
        try
        {
            return (method ?? throw new ArgumentException("There is none.")).CreateDelegate<TDelegate>();
        }
        catch (ArgumentException reason)
        {
            throw CellAccess.Refuse(type, name, "cannot be called, so a handler could not wait inside its mailbox", reason);
        }
    }
}
