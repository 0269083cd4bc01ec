# Ruby's Fiber. compare.py describes the conversation.

def now
  Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
end

# Two fibers transfer to each other.
def switch(count)
  main = Fiber.current
  second = nil
  first = Fiber.new do
    i = 0
    while i < count / 2
      second.transfer
      i += 1
    end
    main.transfer
  end
  second = Fiber.new do
    first.transfer while true
  end
  first.transfer
end

# The main fiber and a child resume and yield.
def resume(count)
  child = Fiber.new do
    Fiber.yield while true
  end
  i = 0
  while i < count / 2
    child.resume
    i += 1
  end
end

# Create a fiber, run it, let it die.
def create(count)
  i = 0
  while i < count
    Fiber.new {}.resume
    i += 1
  end
end

# Raise an exception in a child, which rescues it and yields.
def throw_into(count)
  child = Fiber.new do
    while true
      begin
        Fiber.yield
      rescue ArgumentError
      end
    end
  end
  child.resume
  i = 0
  while i < count
    child.raise(ArgumentError.new)
    i += 1
  end
end

WORKS = { 'switch' => :switch, 'resume' => :resume, 'create' => :create, 'throw' => :throw_into }.freeze

# All of them suspended at once; then a value passes through.
def chain(length)
  links = []
  start = now
  main = Fiber.current
  following = main
  length.times do
    node = Fiber.new do |following_one|
      value = main.transfer
      following_one.transfer(value + 1)
    end
    node.transfer(following)
    links << node
    following = node
  end
  raise 'the chain is broken' unless following.transfer(0) == length

  passed = now
  links.each(&:transfer)
  [passed - start, now - passed]
end

# Nanoseconds per operation. Doubles the number of operations until they fill the time; the first ones warm up.
def sample(work, milliseconds)
  count = 16
  while true
    start = now
    send(work, count)
    elapsed = now - start
    return elapsed.to_f / count if elapsed >= milliseconds * 500_000

    count *= 2
  end
end

$stdout.sync = true
puts "ready Ruby #{RUBY_VERSION}"
while (line = $stdin.gets)
  name, number = line.split
  begin
    case name
    when 'chain'
      GC.start # ended fibers of a chain before give their stacks back
      chain(1000)
      passed, ended = chain(number.to_i)
      puts "chain #{passed} chain-end #{ended}"
    when *WORKS.keys
      puts "#{name} #{sample(WORKS[name], number.to_i)}"
    else
      puts '! not comparable'
    end
  rescue FiberError => e
    puts "! not on this machine: #{e.message}"
  end
end
