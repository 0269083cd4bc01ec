using System.Collections.Concurrent;
using System.Reflection;
using System.Reflection.Emit;
using NativeGreenlet.Fuzz.Traces;

namespace NativeGreenlet.Fuzz.Execution;

/// <summary>Calls of methods with random signatures, 0 to 12 arguments of any types that <see cref="Sample"/> makes: in
/// registers, on the stack, by reference, in buffers of the caller.</summary>
internal static class GeneratedCalls
{
    private const int Signatures = 96;
    private const int MostArguments = 12;

    private static readonly Kind[] s_kinds = FindKinds();
    private static readonly MethodInfo s_stamp = typeof(Step).GetProperty(nameof(Step.Stamp))!.GetMethod!;
    private static readonly MethodInfo s_playNext = typeof(Step).GetMethod(nameof(Step.PlayNext))!;
    private static readonly ConcurrentDictionary<int, Action<Step>> s_calls = new();

    public static void Play(Step step) => s_calls.GetOrAdd(step.Operation.Number % Signatures, Generate)(step);

    // The same number always means the same signature.
    private static Action<Step> Generate(int number)
    {
        SeedSequence random = new((ulong)number);
        Kind[] kinds = new Kind[number % (MostArguments + 1)];
        for (int i = 0; i < kinds.Length; i++)
        {
            kinds[i] = s_kinds[random.Next(s_kinds.Length)];
        }

        Kind result = s_kinds[random.Next(s_kinds.Length)];
        while (result.Type.IsByRefLike)
        {
            result = s_kinds[random.Next(s_kinds.Length)];
        }

        // Where among the arguments the step is.
        int place = random.Next(kinds.Length + 1);
        DynamicMethod callee = NewMethod("Callee", result.Type, [.. kinds.Select(kind => kind.Type).Take(place), typeof(Step), .. kinds.Select(kind => kind.Type).Skip(place)]);
        EmitCallee(callee.GetILGenerator(), kinds, result, place);
        DynamicMethod caller = NewMethod("Caller", typeof(void), [typeof(Step)]);
        EmitCaller(caller.GetILGenerator(), callee, kinds, result, place);
        return caller.CreateDelegate<Action<Step>>();
    }

    private static DynamicMethod NewMethod(string name, Type result, Type[] parameters) =>
        new(name, result, parameters, typeof(GeneratedCalls).Module, skipVisibility: true);

    private static void EmitCaller(ILGenerator code, DynamicMethod callee, Kind[] kinds, Kind result, int place)
    {
        for (int i = 0; i <= kinds.Length; i++)
        {
            if (i == place)
            {
                code.Emit(OpCodes.Ldarg_0);
            }

            if (i < kinds.Length)
            {
                EmitStamp(code, 0, i);
                code.Emit(OpCodes.Call, kinds[i].Make);
            }
        }

        code.Emit(OpCodes.Call, callee);
        EmitStamp(code, 0, kinds.Length);
        code.Emit(OpCodes.Call, result.Verify);
        code.Emit(OpCodes.Ret);
    }

    private static void EmitCallee(ILGenerator code, Kind[] kinds, Kind result, int place)
    {
        Label again = code.DefineLabel();
        code.MarkLabel(again);
        for (int i = 0; i < kinds.Length; i++)
        {
            code.Emit(OpCodes.Ldarg, (short)(i < place ? i : i + 1));
            EmitStamp(code, place, i);
            code.Emit(OpCodes.Call, kinds[i].Verify);
        }

        code.Emit(OpCodes.Ldarg, (short)place);
        code.Emit(OpCodes.Call, s_playNext);
        code.Emit(OpCodes.Brtrue, again);
        EmitStamp(code, place, kinds.Length);
        code.Emit(OpCodes.Call, result.Make);
        code.Emit(OpCodes.Ret);
    }

    private static void EmitStamp(ILGenerator code, int place, int offset)
    {
        code.Emit(OpCodes.Ldarg, (short)place);
        code.Emit(OpCodes.Call, s_stamp);
        code.Emit(OpCodes.Ldc_I4, offset);
        code.Emit(OpCodes.Add);
    }

    private static Kind[] FindKinds()
    {
        MethodInfo[] methods = typeof(Sample).GetMethods(BindingFlags.Static | BindingFlags.Public);
        return
        [
            .. methods
                .Where(method => method.Name.StartsWith("Make", StringComparison.Ordinal))
                .OrderBy(method => method.Name, StringComparer.Ordinal)
                .Select(make => new Kind(
                    make.ReturnType,
                    make,
                    methods.Single(method => method.Name == nameof(Sample.Verify) && method.GetParameters()[0].ParameterType == make.ReturnType))),
        ];
    }

    private sealed record Kind(Type Type, MethodInfo Make, MethodInfo Verify);
}
