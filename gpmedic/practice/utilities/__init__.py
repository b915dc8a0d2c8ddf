from gpmedic.practice.invocations import note_end

note_end()  # here, because this runs first in every stand-in, however it ends after that
