using System.Collections.Concurrent;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>Which types are woven.</summary>
internal static class Woven
{
    private static readonly ConcurrentDictionary<Type, bool> s_known = new();

    /// <summary>Whether a type is of a woven assembly, and no part of a twin, so that what it does by itself parks.</summary>
    public static bool Is(Type type)
    {
        if (!s_known.TryGetValue(type, out bool isWoven))
        {
            isWoven = type.Assembly.IsDefined(typeof(GreenletWovenAttribute), inherit: false) && !IsPartOfTwin(type);
            s_known.TryAdd(type, isWoven);
        }

        return isWoven;
    }

    private static bool IsPartOfTwin(Type? type) => type is not null && (type.IsDefined(typeof(GreenletTwinAttribute), inherit: false) || IsPartOfTwin(type.DeclaringType));
}
