using System.Collections.Concurrent;
using System.Reflection;
using Orleans;

namespace NativeGreenlet.Orleans.Engine;

/// <summary>Knows which methods of grains run on greenlets.</summary>
internal static class GrainMethods
{
    private const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // Null for classes none of whose methods do.
    private static readonly ConcurrentDictionary<Type, GrainClass?> s_classes = new();

    /// <summary>Tells whether this call runs on a greenlet.</summary>
    public static bool IsOnGreenlets(IIncomingGrainCallContext context)
    {
        object? grain = context.Grain;
        return grain is not null && s_classes.GetOrAdd(grain.GetType(), static type => GrainClass.TryCreate(type)) is { } known && known.IsOnGreenlets(context.ImplementationMethod);
    }

    /// <summary>Refuses classes that have the attribute where it can do nothing.</summary>
    /// <exception cref="InvalidOperationException">Such a class is among them.</exception>
    public static void Check(IEnumerable<Type> classes)
    {
        List<string> mistakes = [.. classes.SelectMany(FindMistakes)];
        if (mistakes.Count != 0)
        {
            throw new InvalidOperationException(string.Join(Environment.NewLine, mistakes));
        }
    }

    private static IEnumerable<string> FindMistakes(Type grain)
    {
        HashSet<MethodInfo> called = [.. grain.GetInterfaces()
            .Where(type => typeof(IAddressable).IsAssignableFrom(type) && !grain.IsGenericTypeDefinition)
            .SelectMany(type => grain.GetInterfaceMap(type).TargetMethods)
            .Select(static method => method.GetBaseDefinition())];
        for (Type? type = grain; type is not null && type != typeof(object); type = type.BaseType)
        {
            foreach (MethodInfo method in type.GetMethods(All))
            {
                if (!method.IsDefined(typeof(RunOnGreenletsAttribute), inherit: false))
                {
                    continue;
                }

                string name = $"[RunOnGreenlets] is on {type}.{method.Name}";
                if (!IsTask(method.ReturnType))
                {
                    yield return $"{name}, which returns {method.ReturnType.Name}. It is for methods of grain interfaces, which return a task: put it there, and let them call this one.";
                }
                else if (!grain.IsGenericTypeDefinition && !called.Contains(method.GetBaseDefinition()))
                {
                    yield return $"{name}, which is no method of a grain interface, so Orleans never calls it. Put it on the method of the interface; where Orleans calls back otherwise (timers, streams), use this.RunOnGreenletsAsync(() => ...).";
                }
            }
        }
    }

    private static bool IsTask(Type type) => typeof(Task).IsAssignableFrom(type) || type == typeof(ValueTask)
        || (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ValueTask<>));

    private sealed class GrainClass(Type type, bool all)
    {
        private readonly ConcurrentDictionary<MethodInfo, bool> _methods = new();

        public static GrainClass? TryCreate(Type type)
        {
            bool all = type.IsDefined(typeof(RunOnGreenletsAttribute), inherit: true);
            for (Type? each = type; each is not null && !all; each = each.BaseType)
            {
                if (Array.Exists(each.GetMethods(All), static method => method.IsDefined(typeof(RunOnGreenletsAttribute), inherit: false)))
                {
                    return new GrainClass(type, all: false);
                }
            }

            return all ? new GrainClass(type, all: true) : null;
        }

        public bool IsOnGreenlets(MethodInfo? method) => method is not null && _methods.GetOrAdd(method, Decide);

        private bool Decide(MethodInfo method) => IsTask(method.ReturnType) && (all || IsMarked(method));

        // An interface's own implementation, as that of IRemindable, calls one of the class.
        private bool IsMarked(MethodInfo method) => method.DeclaringType!.IsInterface
            ? type.GetMethods(All & ~BindingFlags.DeclaredOnly).Any(each => each.Name == method.Name && IsMarked(each))
            : method.IsDefined(typeof(RunOnGreenletsAttribute), inherit: true);
    }
}
