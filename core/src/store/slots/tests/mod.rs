mod choices;
mod disk;
mod power;
