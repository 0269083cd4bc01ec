using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;

namespace NativeGreenlet.Orleans.Engine;

/// <summary>What Orleans keeps internal, and turns need: the queue of an activation's work (<c>WorkItemGroup</c>) and the thread's context
/// (<c>RuntimeContext</c>). Checked when a silo starts.</summary>
internal static class OrleansInternals
{
    /// <summary>The state of a queue that nobody works at, and that nobody is going to.</summary>
    public const byte Waiting = 0;

    /// <summary>That of a queue that somebody works at: what is put in is not scheduled.</summary>
    public const byte Running = 2;

    private const string KnownVersion = "10.4.";
    private const string GroupName = "Orleans.Runtime.Scheduler.WorkItemGroup";
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public;

    private static readonly Type? s_group = typeof(SchedulingOptions).Assembly.GetType(GroupName);
    private static readonly FieldInfo? s_state = s_group?.GetField("_state", Inside);
    private static readonly FieldInfo? s_lock = s_group?.GetField("_lockObj", Inside);
    private static readonly FieldInfo? s_queue = s_group?.GetField("_workItems", Inside);
    private static readonly FieldInfo? s_context = typeof(IGrainContext).Assembly.GetType("Orleans.Runtime.RuntimeContext")?.GetField("_threadLocalContext", Inside);

    private static StateOf? s_stateOf;
    private static ContextOfThread? s_contextOfThread;

    private delegate ref byte StateOf(object group);

    private delegate ref IGrainContext? ContextOfThread();

    /// <summary>The context of the calling thread, for Orleans.</summary>
    public static ref IGrainContext? Context => ref s_contextOfThread!();

    /// <summary>The task that the calling thread runs, for .NET.</summary>
    public static ref Task? CurrentTask => ref CurrentTaskOf(null);

    /// <summary>The state of a queue; under its lock.</summary>
    public static ref byte State(IWorkItemScheduler group) => ref s_stateOf!(group);

    public static Lock LockOf(IWorkItemScheduler group) => (Lock)s_lock!.GetValue(group)!;

    public static Queue<Task> QueueOf(IWorkItemScheduler group) => (Queue<Task>)s_queue!.GetValue(group)!;

    public static bool IsGroup(IWorkItemScheduler scheduler) => scheduler.GetType() == s_group;

    /// <summary>Refuses what is not as it is known.</summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public static void Check(IServiceProvider services)
    {
        string version = typeof(SchedulingOptions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        if (FindMistake(version) is { } mistake)
        {
            throw Refuse(version, mistake);
        }

        s_stateOf ??= Compile<StateOf>(s_state!);
        s_contextOfThread ??= Compile<ContextOfThread>(s_context!);
        if (FindMistakeOfGroup(services) is { } wrong)
        {
            throw Refuse(version, wrong);
        }
    }

    /// <summary>What is wrong with an Orleans of this version; null if nothing is.</summary>
    internal static string? FindMistake(string version)
    {
        if (!version.StartsWith(KnownVersion, StringComparison.Ordinal))
        {
            return "it is another version";
        }

        if (s_group is null || s_state is null || s_lock?.FieldType != typeof(Lock) || s_queue?.FieldType != typeof(Queue<Task>) || !typeof(IThreadPoolWorkItem).IsAssignableFrom(s_group))
        {
            return $"{GroupName} is not as it was";
        }

        return !s_state.FieldType.IsEnum || Enum.GetUnderlyingType(s_state.FieldType) != typeof(byte)
            || !Enum.GetNames(s_state.FieldType).SequenceEqual(["Waiting", "Runnable", "Running"])
            ? $"the states of {GroupName} are not as they were"
            : s_context?.FieldType != typeof(IGrainContext) ? "Orleans.Runtime.RuntimeContext is not as it was" : null;
    }

    internal static InvalidOperationException Refuse(string version, string mistake) => new(
        $"NativeGreenlet.Orleans knows Orleans {KnownVersion}x; this is {version}: {mistake}. Use the Microsoft.Orleans packages of version {KnownVersion}x, or a NativeGreenlet.Orleans for this one, or take AddGreenlets out.");

    // A queue of its own is taken, filled and worked at as those of activations are.
    private static string? FindMistakeOfGroup(IServiceProvider services)
    {
        const string Mistake = $"{GroupName} does not behave as it did";
        try
        {
            Type? instruments = Array.Find(s_group!.GetConstructors(Inside), static each => each.GetParameters().Length == 3)?.GetParameters()[2].ParameterType;
            if (instruments is null)
            {
                return $"{GroupName} is not as it was";
            }

            IGrainContext context = DispatchProxy.Create<IGrainContext, NoContext>();
            IWorkItemScheduler group = (IWorkItemScheduler)Activator.CreateInstance(s_group, context, services.GetRequiredService<IOptions<SchedulingOptions>>(), services.GetRequiredService(instruments))!;
            int count = 0;
            TaskScheduler? scheduler = null;
            State(group) = Running;
            group.QueueAction(() =>
            {
                scheduler = TaskScheduler.Current;
                count += Context == context ? 1 : 10;
            });
            if (count != 0 || State(group) != Running || QueueOf(group).Count != 1)
            {
                return Mistake;
            }

            ((IThreadPoolWorkItem)group).Execute();
            if (count != 1 || State(group) != Waiting || Context is not null)
            {
                return Mistake;
            }

            ref Task? current = ref CurrentTask;
            Task? before = current;
            Task task = MakeTask(scheduler!, context);
            current = task;
            bool isKnown = TaskScheduler.Current == scheduler;
            current = before;
            return isKnown ? null : "System.Threading.Tasks.Task is not as it was";
        }
        catch (Exception exception) when (exception is MissingMemberException or MemberAccessException or TargetInvocationException or InvalidCastException or TypeLoadException)
        {
            return $"{Mistake}: {exception.Message}";
        }
    }

    /// <summary>Makes a task that has run on a scheduler of an activation, and so makes it the current one wherever it is set as
    /// <see cref="CurrentTask"/>.</summary>
    public static Task MakeTask(TaskScheduler scheduler, IGrainContext context)
    {
        ref IGrainContext? current = ref Context;
        IGrainContext? before = current;
        current = context;
        try
        {
            Task task = new(static () => { }, CancellationToken.None, TaskCreationOptions.DenyChildAttach);
            task.RunSynchronously(scheduler);
            return task;
        }
        finally
        {
            current = before;
        }
    }

    private static T Compile<T>(FieldInfo field)
        where T : Delegate
    {
        MethodInfo signature = typeof(T).GetMethod("Invoke")!;
        DynamicMethod method = new(field.Name, signature.ReturnType, [.. signature.GetParameters().Select(static parameter => parameter.ParameterType)], field.DeclaringType!.Module, skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        if (field.IsStatic)
        {
            code.Emit(OpCodes.Ldsflda, field);
        }
        else
        {
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Ldflda, field);
        }

        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<T>();
    }

    [UnsafeAccessor(UnsafeAccessorKind.StaticField, Name = "t_currentTask")]
    private static extern ref Task? CurrentTaskOf(Task? type);

    /// <summary>A context that is none.</summary>
    internal class NoContext : DispatchProxy
    {
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod?.ReturnType == typeof(bool) ? ReferenceEquals(args?[0], this) : null;
    }
}
